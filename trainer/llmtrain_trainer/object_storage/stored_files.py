"""Files in object storage that are read where they are: found once, then read in parts."""

import io
from collections.abc import Callable
from dataclasses import dataclass
from glob import has_magic
from pathlib import PurePosixPath
from typing import TYPE_CHECKING, Literal, TypeVar

from llmtrain_trainer.errors import UserError
from llmtrain_trainer.object_storage.faults import READING, Permanent, Transient, understand
from llmtrain_trainer.object_storage.globs import ReadRange, Stored, matching
from llmtrain_trainer.object_storage.places import Place, place_of
from llmtrain_trainer.object_storage.retries import Patience, retried

if TYPE_CHECKING:
    from _typeshed import WriteableBuffer

T = TypeVar("T")

_PATIENCE = Patience()
_BUFFER_BYTES = 4 << 20
"""Asked for at a time: a request takes as long as about a megabyte."""


@dataclass(frozen=True)
class StoredFile:
    """A file in object storage. It is found by the driver, and read by a worker."""

    url: str
    root: str
    """URL of its place: of the bucket, the data set or the server."""
    path: str
    """Its name within the place."""
    size: int
    stamp: str
    field_name: str
    """The manifest's field that names it, for messages."""

    def __str__(self) -> str:
        """Its URL."""
        return self.url

    @property
    def suffix(self) -> str:
        """The end of its name, as of a path: `.gz`."""
        return PurePosixPath(self.path).suffix

    def open(self, mode: Literal["rb"]) -> io.BufferedReader:  # noqa: ARG002 - as Path.open
        """Open the file for reading from its start to its end."""
        return io.BufferedReader(self.parts(), min(_BUFFER_BYTES, max(self.size, 1)))

    def parts(self) -> io.RawIOBase:
        """Open the file for reading here and there: each read is a request."""
        return _Parts(self)

    def require_unchanged(self) -> None:
        """Make sure that the file is what it was when it was found.

        Raises:
            UserError: it has changed, or is gone.
            StoreError: the place could not be reached.
        """
        now = self.retried(lambda: place_of(self.root).look(self.path))
        if (fault := self._difference(now)) is not None:
            raise fault

    def retried(self, operation: Callable[[], T]) -> T:
        """The result of an operation on the place, tried again after faults that may pass.

        Raises:
            UserError: access was refused, or the file has changed.
            StoreError: the place could not be reached.
        """
        return retried(operation, self._understand, _PATIENCE, what=self.url)

    def _understand(self, error: OSError) -> Permanent | Transient:
        fault = understand(error, self.url, self.field_name, needs=READING)
        if isinstance(error, FileNotFoundError) or isinstance(fault, Transient):
            # A server has many words for an object that is gone or shorter than it was.
            try:
                now = place_of(self.root).look(self.path)
            except OSError:
                return fault
            if (difference := self._difference(now)) is not None:
                return Permanent(difference)
        return fault

    def _difference(self, now: Stored | None) -> UserError | None:
        if now is not None and (now.size, now.stamp) == (self.size, self.stamp):
            return None
        what = "gone" if now is None or now.size is None else "not what it was"
        return UserError(
            f"{self.field_name} {self.url}: the file is {what}: it was found with {self.size:,} "
            "bytes, and has changed while the stage ran; let files lie as they are, and run the "
            "job again",
            reason="InputsChanged",
        )


def stored_files(pattern: str, *, field_name: str, patience: Patience) -> list[StoredFile]:
    """The files that a URL names, those of a glob sorted.

    Args:
        pattern: URL of a file, or a glob with `*`, `?`, `[...]` and `**` after the bucket.
        field_name: the manifest's field with the URL, for messages.
        patience: limits retries.

    Raises:
        UserError: there is no such file or bucket, or access was refused.
        StoreError: the place could not be reached.
    """
    asked, path = _split(pattern)

    def understood(error: OSError) -> Permanent | Transient:
        return understand(error, pattern, field_name, needs=READING)

    place = retried(lambda: place_of(asked), understood, patience, what=pattern)
    found = retried(lambda: _find(place, path), understood, patience, what=pattern)
    if not found:
        what = "this glob matches no file" if has_magic(path) else "there is no such file"
        raise UserError(f"{field_name} {pattern}: {what}")
    if all(each.size is None for each in found):
        raise UserError(
            f"{field_name} {pattern}: this is a folder; name its files, as in {pattern}/*"
        )
    return [
        StoredFile(
            url=f"{asked}/{each.path}",
            root=place.root,
            path=each.path,
            size=each.size,
            stamp=each.stamp,
            field_name=field_name,
        )
        for each in found
        if each.size is not None
    ]


def _find(place: Place, path: str) -> list[Stored]:
    """The objects that a path or a glob names, or the folder.

    Raises:
        FileNotFoundError: there is no such bucket.
    """
    one = place.look(path)
    if one is not None and one.size is not None:
        return [one]
    found = matching(place, path) if has_magic(path) else []
    if one is None and not found and not place.exists():
        raise FileNotFoundError(place.root)
    return found or ([one] if one is not None else [])


def _split(url: str) -> tuple[str, str]:
    """URL of the place, and the path in it."""
    scheme, _, rest = url.partition("://")
    num_parts = 3 if scheme == "hf" else 1
    parts = rest.split("/")
    return f"{scheme}://{'/'.join(parts[:num_parts])}", "/".join(parts[num_parts:])


class _Parts(io.RawIOBase):
    """Reads a file by requests for its parts."""

    def __init__(self, file: StoredFile) -> None:
        self._file = file
        self._position = 0
        self._read: ReadRange | None = None

    def readable(self) -> bool:
        """It can be read."""
        return True

    def seekable(self) -> bool:
        """It can be read from anywhere."""
        return True

    def tell(self) -> int:
        """The position of the next byte."""
        return self._position

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        """Go to a position."""
        start = {io.SEEK_SET: 0, io.SEEK_CUR: self._position, io.SEEK_END: self._file.size}
        self._position = max(0, start[whence] + offset)
        return self._position

    def readinto(self, buffer: "WriteableBuffer") -> int:
        """Fill a buffer, or read up to the end of the file; 0 means the end.

        Raises:
            UserError: the file has changed, or access was refused.
            StoreError: the place could not be reached.
        """
        target = memoryview(buffer).cast("B")
        start = self._position
        stop = min(start + len(target), self._file.size)
        if start >= stop:
            return 0
        data = self._file.retried(lambda: self._part(start, stop))
        target[: len(data)] = data
        self._position = stop
        return len(data)

    def _part(self, start: int, stop: int) -> bytes:
        if self._read is None:
            self._read = place_of(self._file.root).open(self._file.path, self._file.stamp)
        data = self._read(start, stop)
        if len(data) != stop - start:
            raise OSError(f"the server sent {len(data)} of {stop - start} bytes from {start} on")
        return data
