"""Finds the files that a manifest names."""

import glob
from collections.abc import Sequence
from pathlib import Path

from llmtrain_api.named_paths import named_files
from llmtrain_api.visible import visible_path
from llmtrain_trainer.errors import UserError


def find_files(patterns: Sequence[str], root: Path) -> list[Path]:
    """The files that paths and globs name, each once whatever it is called; globs are sorted.

    Args:
        patterns: files, or globs with `*`, `?`, `[...]` and `**`.
        root: where relative ones start.

    Raises:
        UserError: a file does not exist, a glob matches none, or a name is not UTF-8.
    """
    found: dict[Path, Path] = {}
    for pattern in patterns:
        for path in _find(pattern, root):
            found.setdefault(path.resolve(), path)
    for path in found.values():
        _require_text(path)
    return list(found.values())


def _require_text(path: Path) -> None:
    """A path is written into reports and messages, which are UTF-8."""
    if (name := visible_path(path)) != str(path):
        raise UserError(f"{name}: the name of this file is not UTF-8; rename it")


def _find(pattern: str, root: Path) -> list[Path]:
    if files := named_files(pattern, root):
        return files
    path = root / pattern
    if path.is_dir():
        raise UserError(f"{path}: this is a folder; name its files, as in {pattern}/*")
    what = "this glob matches no file" if glob.has_magic(pattern) else "no such file"
    raise UserError(f"{path}: {what}; relative paths start from {root}")
