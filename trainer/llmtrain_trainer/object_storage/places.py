"""Places that files are read from: buckets, data sets of the Hugging Face hub, web servers.

Each operation raises `OSError` where the server is at fault, and may be tried again.
"""

from functools import lru_cache
from typing import TYPE_CHECKING, Protocol

from llmtrain_trainer.object_storage.connect import connect
from llmtrain_trainer.object_storage.globs import Listing, ReadRange, Stored

if TYPE_CHECKING:
    from pyarrow import fs


class Place(Listing, Protocol):
    """A server with files."""

    @property
    def root(self) -> str:
        """Its URL; that of a data set of the hub says at which commit it is."""
        ...

    def exists(self) -> bool:
        """Whether there is such a bucket."""
        ...

    def open(self, path: str, stamp: str) -> ReadRange:
        """A function that reads parts of an object.

        Args:
            path: name of the object.
            stamp: its stamp when it was listed.
        """
        ...


@lru_cache(maxsize=64)
def place_of(root: str) -> Place:
    """The server of a URL, connected once in each process.

    Args:
        root: `s3://BUCKET`, `gs://BUCKET`, `az://CONTAINER`, `hf://datasets/OWNER/NAME` or
            `https://HOST`.

    Raises:
        UserError: a variable that names the account is missing.
        OSError: the server cannot be reached.
    """
    match root.partition("://")[0]:
        case "http" | "https":
            from llmtrain_trainer.object_storage.web import WebPlace

            return WebPlace(root)
        case "hf":
            from llmtrain_trainer.object_storage.hub import HubPlace

            return HubPlace(root)
        case _:
            return Bucket(root)


class Bucket:
    """A bucket, or a container of Azure.

    Args:
        root: its URL.
    """

    def __init__(self, root: str) -> None:
        self.root = root
        self._system, self._name = connect(root)

    def exists(self) -> bool:
        """Whether there is such a bucket."""
        from pyarrow.fs import FileType

        (found,) = self._infos([self._name])
        return bool(found.type != FileType.NotFound)

    def look(self, path: str) -> Stored | None:
        """The object or folder of this name; None where there is none."""
        from pyarrow.fs import FileType

        (found,) = self._infos([f"{self._name}/{path}"])
        return None if found.type == FileType.NotFound else self._stored(found)

    def children(self, folder: str) -> list[Stored]:
        """The objects and folders directly in a folder."""
        return self._list(folder, recursive=False)

    def below(self, folder: str) -> list[Stored]:
        """All objects in a folder and in the folders in it."""
        return [each for each in self._list(folder, recursive=True) if each.size is not None]

    def open(self, path: str, stamp: str) -> ReadRange:  # noqa: ARG002 - answers have no stamp
        """A function that reads parts of an object."""
        opened = self._system.open_input_file(f"{self._name}/{path}")

        def read(start: int, stop: int) -> bytes:
            part: bytes = opened.read_at(stop - start, start)
            return part

        return read

    def _list(self, folder: str, *, recursive: bool) -> list[Stored]:
        from pyarrow.fs import FileSelector

        base = f"{self._name}/{folder}".rstrip("/")
        selected = FileSelector(base, recursive=recursive, allow_not_found=True)
        return [self._stored(each) for each in self._infos(selected)]

    def _infos(self, asked: "list[str] | fs.FileSelector") -> "list[fs.FileInfo]":
        from pyarrow import ArrowException

        try:
            infos: list[fs.FileInfo] = self._system.get_file_info(asked)
        except ArrowException as error:  # of a key of Azure's that is none
            raise OSError(str(error)) from error
        return infos

    def _stored(self, found: "fs.FileInfo") -> Stored:
        from pyarrow.fs import FileType

        path = found.path.removeprefix(f"{self._name}/")
        if found.type != FileType.File:
            return Stored(path, None)
        return Stored(path, found.size, str(found.mtime_ns))
