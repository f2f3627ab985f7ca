"""Puts results on the disk so that a kill at any moment leaves all of them or none."""

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from llmtrain_trainer.own_files import create_text


@contextmanager
def replaced_folder(target: Path) -> Iterator[Path]:
    """Give an empty folder to fill; it takes the target's place when the block ends well.

    What an earlier, killed attempt left behind is removed; so is what a failing block leaves.

    Args:
        target: the folder to make or to replace.
    """
    temporary = target.with_name(f".{target.name}.tmp")
    replaced = target.with_name(f".{target.name}.old")
    _remove(temporary)
    temporary.mkdir(parents=True)
    try:
        yield temporary
    except BaseException:
        _remove(temporary)
        raise
    _sync_tree(temporary)
    _remove(replaced)
    if target.exists():
        target.rename(replaced)
    temporary.rename(target)
    sync(target.parent)
    _remove(replaced)


def replace_file(target: Path, text: str) -> None:
    """Write a whole text file, or leave the old one as it was."""
    target.parent.mkdir(parents=True, exist_ok=True)
    temporary = target.with_name(f".{target.name}.tmp")
    with create_text(temporary) as file:
        file.write(text)
    sync(temporary)
    temporary.replace(target)
    sync(target.parent)


def _remove(folder: Path) -> None:
    if folder.exists():
        shutil.rmtree(folder)


def _sync_tree(folder: Path) -> None:
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
