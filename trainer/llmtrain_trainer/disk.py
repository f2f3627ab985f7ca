"""Says that a disk is full, where a library would only say that it failed."""

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
    """Turns an error of its block that comes of a full disk into one that says so.

    Args:
        folder: where the block writes.

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
    """Whether there was no room to write; libraries that hide the number tell it in words."""
    if isinstance(error, OSError) and error.errno in _ERRORS:
        return True
    return any(words in str(error) for words in _WORDS)


def disk_full(path: Path | str, folder: Path, *, kept: str | None = None) -> UserError:
    """The error to raise.

    Args:
        path: what could not be written.
        folder: on the same disk; perhaps not made yet.
        kept: what is there all the same.
    """
    there = next(each for each in (folder, *folder.parents) if each.exists())
    free_bytes = shutil.disk_usage(there).free
    return UserError(
        f"no space left to write {path} ({free_bytes / 1e6:.1f} MB free); "
        f"{kept or 'finished stages and committed checkpoints are untouched'}. "
        "Free some space, or lower checkpoint.keep, and run again",
        reason="DiskFull",
    )
