"""The lock of a workspace: one run at a time."""

import fcntl
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psutil

from llmtrain.errors import LLMTrainError
from llmtrain.local.closed_files import OpenToOthersError, closed_folder, require_own

_WAIT_SECONDS = 30.0
_LOOK_SECONDS = 0.2
_NUMBER_BYTES = 32


class WorkspaceError(LLMTrainError):
    """The folder cannot be a run's workspace; the message says why."""


class WorkspaceInUseError(WorkspaceError):
    """Another run holds the workspace; the message names it."""


def make_private(folder: Path) -> None:
    """Create a workspace's private folder, or take over one of our own.

    Raises:
        WorkspaceError: the folder cannot be created, or other users could write to it.
    """
    try:
        folder.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        require_own(folder.parent)
        closed_folder(folder)
    except OpenToOthersError as error:
        raise WorkspaceError(
            f"{folder.parent} cannot be a workspace: {error}; choose another --workspace, a folder "
            "of your own"
        ) from error
    except OSError as error:
        raise _unusable(folder, error) from error


def _unusable(folder: Path, error: OSError) -> WorkspaceError:
    return WorkspaceError(
        f"{folder.parent} cannot be a workspace: {error.filename}: {error.strerror}; "
        "choose another --workspace, a folder that can be written to"
    )


@contextmanager
def workspace_lock(folder: Path) -> Iterator[int]:
    """Lock a workspace; gives the lock's file descriptor.

    A process that inherits the descriptor holds the lock too, so that the next run waits until
    the Ray of this one has ended.

    Args:
        folder: the workspace's private folder; created if it is missing.

    Raises:
        WorkspaceError: the folder cannot be created or written to, or other users could write to
            it.
        WorkspaceInUseError: another run still holds the lock after half a minute.
    """
    path = folder / "lock"
    make_private(folder)
    try:
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW, 0o600)
    except OSError as error:
        raise _unusable(folder, error) from error
    try:
        _take(descriptor, path)
        os.ftruncate(descriptor, 0)
        os.pwrite(descriptor, str(os.getpid()).encode(), 0)
        yield descriptor
    finally:
        os.close(descriptor)


def holder(folder: Path) -> int | None:
    """Number of the process whose run holds a workspace; None if no run holds it.

    Args:
        folder: the workspace's private folder.
    """
    try:
        descriptor = os.open(folder / "lock", os.O_RDONLY | os.O_NOFOLLOW)
    except OSError:
        return None
    try:
        fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        found = os.read(descriptor, _NUMBER_BYTES)
        return int(found) if found.isdigit() else None
    else:
        return None
    finally:
        os.close(descriptor)


def _take(descriptor: int, path: Path) -> None:
    """Take the lock; wait only for a run that has died while its Ray is shutting down."""
    deadline = time.monotonic() + _WAIT_SECONDS
    while True:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            holder = path.read_text(encoding="utf-8").strip()
            if _lives(holder) or time.monotonic() > deadline:
                raise WorkspaceInUseError(
                    f"{path.parent.parent} is in use by another run (process {holder}); "
                    "wait for it, stop it, or choose another --workspace"
                ) from None
            time.sleep(_LOOK_SECONDS)
        else:
            return


def _lives(pid: str) -> bool:
    try:
        return pid.isdigit() and psutil.Process(int(pid)).status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False
