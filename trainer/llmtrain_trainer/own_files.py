"""Opens the files of a run for writing; a link that somebody has put in their place is refused."""

import os
from pathlib import Path
from typing import BinaryIO, TextIO

from llmtrain_trainer.errors import UserError


def create_binary(path: Path) -> BinaryIO:
    """An empty file to write bytes to, without a buffer.

    Raises:
        UserError: a symbolic link is in its place.
    """
    return os.fdopen(_descriptor(path), "wb", buffering=0)


def create_text(path: Path) -> TextIO:
    """An empty file to write text to.

    Raises:
        UserError: a symbolic link is in its place.
    """
    return os.fdopen(_descriptor(path), "w", encoding="utf-8")


def _descriptor(path: Path) -> int:
    if path.is_symlink():
        raise UserError(
            f"{path} is a symbolic link to {path.readlink()}; a file of the run belongs there: "
            "remove the link"
        )
    # The link may have come a moment ago: then the system refuses it.
    return os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW, 0o666)
