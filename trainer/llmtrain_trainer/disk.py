"""Turns obscure library errors on a full disk into clear ones."""

import errno
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from llmtrain_trainer.errors import StageError, UserError

_ERRORS = {errno.ENOSPC, errno.EDQUOT}
_WORDS = ("No space left on device", "Disk quota exceeded")


@contextmanager
def explain_full_disk(folder: Path) -> Iterator[None]:
    """Context in which errors caused by a full disk become a `UserError`.

    Args:
        folder: folder that the block writes to.

    Raises:
        UserError: the disk is full.
    """
    try:
        yield
    except Exception as error:
        if isinstance(error, StageError) or not is_full(error):
            raise
        raise disk_full(getattr(error, "filename", None) or folder, folder) from error


def is_full(error: BaseException) -> bool:
    """Whether an error means a full disk, by its number or its text."""
    if isinstance(error, OSError) and error.errno in _ERRORS:
        return True
    return any(words in str(error) for words in _WORDS)


def disk_full(path: Path | str, folder: Path, *, kept: str | None = None) -> UserError:
    """The error of a full disk.

    Args:
        path: file that could not be written.
        folder: folder on the same disk; it may not exist yet.
        kept: results that exist all the same.
    """
    there = next(each for each in (folder, *folder.parents) if each.exists())
    free_bytes = shutil.disk_usage(there).free
    return UserError(
        f"no space left to write {path} ({free_bytes / 1e6:.1f} MB free); "
        f"{kept or 'finished stages and committed checkpoints are untouched'}. "
        "Free some space, or lower checkpoint.keep, and run again",
        reason="DiskFull",
    )
