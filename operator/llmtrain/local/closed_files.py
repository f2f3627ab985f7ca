"""Files and folders of a run, closed to all other users of the machine."""

import os
import stat
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

UMASK = 0o077
"""Umask of every process of a run: its files are for their owner alone."""
_OPEN_TO_ALL = stat.S_IWOTH


class OpenToOthersError(Exception):
    """Other users could replace files of the run; the message says where."""


def open_closed(path: Path, *, append: bool = False) -> BinaryIO:
    """Open a file for writing, for its owner alone; a link in its place is not followed.

    Args:
        path: path of the file; created if it is missing.
        append: whether to keep the content.

    Raises:
        OSError: the path is a link, or cannot be opened.
    """
    kept = os.O_APPEND if append else os.O_TRUNC
    flags = os.O_WRONLY | os.O_CREAT | os.O_NOFOLLOW | kept
    return os.fdopen(os.open(path, flags, 0o600), "ab" if append else "wb")


def closed_folder(path: Path) -> None:
    """Create a folder, or take over one of our own, and close it to all other users.

    Raises:
        OpenToOthersError: the folder belongs to another user.
        OSError: the folder cannot be created.
    """
    path.mkdir(mode=0o700, parents=True, exist_ok=True)
    require_own(path)
    if stat.S_IMODE(path.stat().st_mode) & 0o077:
        path.chmod(0o700)


def require_own(path: Path) -> None:
    """Refuse a folder in which others could replace what a run writes.

    Another user could plant a checkpoint, and loading one runs code. Root may use other users'
    folders.

    Raises:
        OpenToOthersError: everybody can write to the folder, or it belongs to another user.
    """
    found, user = path.stat(), os.geteuid()
    if found.st_mode & _OPEN_TO_ALL:
        raise OpenToOthersError(f"everybody may write to {path} (chmod o-w {path} closes it)")
    if user not in (0, found.st_uid):
        raise OpenToOthersError(f"{path} belongs to another user (number {found.st_uid})")


@dataclass(frozen=True)
class ProcessFolder:
    """Folders for Ray and its child processes; all are removed when Ray ends."""

    root: Path
    """Parent folder, open to its owner alone. It shields Ray's folder, which Ray opens to
    everybody."""

    @property
    def ray(self) -> Path:
        """Folder of Ray's session: sockets, logs, copies of code."""
        return self.root / "ray"

    @property
    def working(self) -> Path:
        """Working directory, which Ray puts on Python's path; it stays empty."""
        return self.root / "working"

    @property
    def temporary(self) -> Path:
        """Folder for temporary files, since libraries use predictable names."""
        return self.root / "tmp"

    @property
    def environment(self) -> dict[str, str]:
        """Environment variables that keep the processes in these folders."""
        return {"TMPDIR": str(self.temporary), "RAY_TMPDIR": str(self.temporary)}


def process_folder() -> ProcessFolder:
    """Create a new folder, under an unpredictable name."""
    # The path is short, because socket paths have a length limit.
    folder = ProcessFolder(Path(tempfile.mkdtemp(prefix="llmtrain-")))
    for each in (folder.ray, folder.working, folder.temporary):
        each.mkdir(mode=0o700)
    return folder
