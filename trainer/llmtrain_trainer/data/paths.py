"""Finds the files that a manifest names."""

import glob
from collections.abc import Sequence
from pathlib import Path

from llmtrain_trainer.errors import UserError


def find_files(patterns: Sequence[str], root: Path) -> list[Path]:
    """The files that paths and globs name, each once; those of one glob are sorted.

    Args:
        patterns: files, or globs with `*`, `?`, `[...]` and `**`.
        root: where relative ones start.

    Raises:
        UserError: a file does not exist, or a glob matches none.
    """
    found = [path for pattern in patterns for path in _find(pattern, root)]
    return list(dict.fromkeys(found))


def _find(pattern: str, root: Path) -> list[Path]:
    path = root / pattern
    if path.is_file():
        return [path]
    if path.is_dir():
        raise UserError(f"{path}: this is a folder; name its files, as in {pattern}/*")
    if not glob.has_magic(pattern):
        raise UserError(f"{path}: no such file; relative paths start from {root}")
    matches = sorted(glob.glob(str(path), recursive=True))  # noqa: PTH207 - Path.glob takes no absolute pattern
    files = [Path(match) for match in matches if Path(match).is_file()]
    if not files:
        raise UserError(f"{path}: this glob matches no file; relative paths start from {root}")
    return files
