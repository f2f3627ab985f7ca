"""Files and folders of a run, closed to all other users of the machine."""

import os
import stat
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

UMASK = 0o077
"""Every process of a run has it: what they make is for their owner alone."""
_OPEN_TO_ALL = stat.S_IWOTH


class OpenToOthersError(Exception):
    """Others could put their files in place of the run's; the message says where."""


def open_closed(path: Path, *, append: bool = False) -> BinaryIO:
    """Open a file for writing, for its owner alone; a link in its place is not followed.

    Args:
        path: of the file; made where it is missing.
        append: keep what is there.

    Raises:
        OSError: a link is in its place, or it cannot be opened.
    """
    kept = os.O_APPEND if append else os.O_TRUNC
    flags = os.O_WRONLY | os.O_CREAT | os.O_NOFOLLOW | kept
    return os.fdopen(os.open(path, flags, 0o600), "ab" if append else "wb")


def closed_folder(path: Path) -> None:
    """Make a folder, or take over one of our own, and close it to all others.

    Raises:
        OpenToOthersError: it belongs to somebody else.
        OSError: it cannot be made.
    """
    path.mkdir(mode=0o700, parents=True, exist_ok=True)
    require_own(path)
    if stat.S_IMODE(path.stat().st_mode) & 0o077:
        path.chmod(0o700)


def require_own(path: Path) -> None:
    """Refuse a folder in which others could replace what a run writes.

    Its checkpoints would be theirs, and loading one runs code. Root may use what belongs to others.

    Raises:
        OpenToOthersError: everybody can write to it, or it belongs to somebody else.
    """
    found, user = path.stat(), os.geteuid()
    if found.st_mode & _OPEN_TO_ALL:
        raise OpenToOthersError(f"everybody may write to {path} (chmod o-w {path} closes it)")
    if user not in (0, found.st_uid):
        raise OpenToOthersError(f"{path} belongs to another user (number {found.st_uid})")


@dataclass(frozen=True)
class ProcessFolder:
    """Folders for Ray and all that it starts; they are removed together when Ray ends."""

    root: Path
    """For its owner alone; Ray opens its own folder to everybody, and nobody gets that far."""

    @property
    def ray(self) -> Path:
        """Ray's session: sockets, logs, copies of code."""
        return self.root / "ray"

    @property
    def working(self) -> Path:
        """The working directory, which Ray puts on Python's path: it stays empty."""
        return self.root / "working"

    @property
    def temporary(self) -> Path:
        """Temporary files: libraries use predictable names, such as the compiler's cache."""
        return self.root / "tmp"

    @property
    def environment(self) -> dict[str, str]:
        """Variables that keep the processes in these folders."""
        return {"TMPDIR": str(self.temporary), "RAY_TMPDIR": str(self.temporary)}


def process_folder() -> ProcessFolder:
    """Make the folder anew, under a name that nobody can foresee."""
    # Its path is short, because the paths of sockets must be.
    folder = ProcessFolder(Path(tempfile.mkdtemp(prefix="llmtrain-")))
    for each in (folder.ray, folder.working, folder.temporary):
        each.mkdir(mode=0o700)
    return folder
