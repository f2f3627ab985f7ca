"""Finds the files that a manifest names."""

import glob
from collections.abc import Sequence
from pathlib import Path

from llmtrain_api.named_paths import named_files
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
    if files := named_files(pattern, root):
        return files
    path = root / pattern
    if path.is_dir():
        raise UserError(f"{path}: this is a folder; name its files, as in {pattern}/*")
    what = "this glob matches no file" if glob.has_magic(pattern) else "no such file"
    raise UserError(f"{path}: {what}; relative paths start from {root}")
