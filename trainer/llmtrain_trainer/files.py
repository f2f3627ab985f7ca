"""Files of a run: created where no link can stand, replaced whole or not at all, hashed."""

import hashlib
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
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


@contextmanager
def replaced_folder(target: Path) -> Iterator[Path]:
    """Give an empty folder to fill; it takes the target's place when the block ends well.

    What an earlier, killed attempt left behind is removed; so is what a failing block leaves.

    Args:
        target: the folder to make or to replace.
    """
    temporary = target.with_name(f".{target.name}.tmp")
    replaced = target.with_name(f".{target.name}.old")
    remove_folder(temporary)
    temporary.mkdir(parents=True)
    try:
        yield temporary
    except BaseException:
        remove_folder(temporary)
        raise
    sync_tree(temporary)
    remove_folder(replaced)
    if target.exists():
        target.rename(replaced)
    temporary.rename(target)
    sync(target.parent)
    remove_folder(replaced)


def replace_file(target: Path, text: str) -> None:
    """Write a whole text file, or leave the old one as it was."""
    target.parent.mkdir(parents=True, exist_ok=True)
    temporary = target.with_name(f".{target.name}.tmp")
    with create_text(temporary) as file:
        file.write(text)
    sync(temporary)
    temporary.replace(target)
    sync(target.parent)


def remove_folder(folder: Path) -> None:
    """Remove a folder, if it is there."""
    if folder.exists():
        shutil.rmtree(folder)


def sync_tree(folder: Path) -> None:
    """Make all files and folders below a folder durable, and itself."""
    for parent, _, names in os.walk(folder):
        for name in names:
            sync(Path(parent) / name)
        sync(Path(parent))


def sync(path: Path) -> None:
    """Make a file's content, or a folder's entries, durable."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def sha256(path: Path) -> str:
    """The SHA-256 of a file, in hexadecimal digits."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
