"""Objects below a URL: put, get, list and delete, with retries.

The filesystems are pyarrow's. Each object is written by one call and visible as a whole or not at
all, but for `file://`, where a kill may leave a part of it: whoever reads checks the content.
"""

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Self, TypeVar

from llmtrain_trainer.object_storage.connect import connect
from llmtrain_trainer.object_storage.faults import understand
from llmtrain_trainer.object_storage.retries import Patience, retried

if TYPE_CHECKING:
    from pyarrow import fs

T = TypeVar("T")

_PART_BYTES = 16 << 20
_PROBE = "PROBE"


class ObjectStore:
    """The objects below a URL.

    Args:
        url: the URL, for messages.
        field_name: the manifest's field with the URL, for messages.
        system: filesystem of pyarrow.
        root: path of the URL in that filesystem.
        patience: limits retries.
    """

    def __init__(
        self, url: str, field_name: str, system: "fs.FileSystem", root: str, patience: Patience
    ) -> None:
        self.url, self.field_name = url, field_name
        self._system, self._root = system, root
        self._patience = patience

    @classmethod
    def open(cls, url: str, *, field_name: str, patience: Patience) -> Self:
        """The store of a URL; credentials and endpoint come from the environment.

        Args:
            url: `s3://bucket/prefix`, or another URL that pyarrow knows.
            field_name: the manifest's field with the URL, for messages.
            patience: limits retries.

        Raises:
            UserError: the folder of a `file://` URL does not exist.
            StoreError: the store cannot be reached.
        """
        system, root = retried(
            lambda: connect(url),
            lambda error: understand(error, url, field_name),
            patience,
            what=url,
        )
        return cls(url, field_name, system, root, patience)

    def put(self, name: str, data: bytes) -> None:
        """Write an object, in the place of one of the same name.

        Raises:
            UserError: the bucket is missing, or the credentials do not suffice.
            StoreError: the store could not be reached.
        """
        self._try(lambda: self._put(name, data))

    def put_file(self, name: str, path: Path) -> None:
        """Write an object with the content of a file.

        Raises:
            UserError: the bucket is missing, or the credentials do not suffice.
            StoreError: the store could not be reached.
        """
        self._try(lambda: self._put(name, path))

    def check(self) -> None:
        """Find out whether objects can be written and deleted.

        Raises:
            UserError: the bucket is missing, or the credentials do not suffice.
            StoreError: the store could not be reached.
        """
        self.put(_PROBE, b"")
        self.delete(_PROBE)

    def get(self, name: str) -> bytes | None:
        """The content of an object; None where there is none.

        Raises:
            UserError: the bucket is missing, or the credentials do not suffice.
            StoreError: the store could not be reached.
        """
        return self._try(lambda: self._get(name))

    def sizes(self, folder: str) -> dict[str, int]:
        """Size in bytes of each object below a folder, by its name relative to that.

        Args:
            folder: the folder; empty for all objects.

        Raises:
            UserError: the bucket is missing, or the credentials do not suffice.
            StoreError: the store could not be reached.
        """
        return self._try(lambda: self._sizes(folder))

    def delete(self, name: str) -> None:
        """Delete an object, if it is there.

        Raises:
            UserError: the bucket is missing, or the credentials do not suffice.
            StoreError: the store could not be reached.
        """
        self._try(lambda: self._delete(name))

    def _try(self, operation: Callable[[], T]) -> T:
        return retried(
            operation,
            lambda error: understand(error, self.url, self.field_name),
            self._patience,
            what=self.url,
        )

    def _put(self, name: str, source: bytes | Path) -> None:
        path = f"{self._root}/{name}"
        if self._system.type_name == "local":
            self._system.create_dir(path.rpartition("/")[0])
        with self._system.open_output_stream(path) as stream:
            if isinstance(source, bytes):
                stream.write(source)
            else:
                with source.open("rb") as file:
                    shutil.copyfileobj(file, stream, _PART_BYTES)

    def _get(self, name: str) -> bytes | None:
        try:
            with self._system.open_input_file(f"{self._root}/{name}") as file:
                content: bytes = file.read()
        except FileNotFoundError:
            return None
        return content

    def _sizes(self, folder: str) -> dict[str, int]:
        from pyarrow.fs import FileSelector, FileType

        base = f"{self._root}/{folder}/" if folder else f"{self._root}/"
        below = FileSelector(base, recursive=True, allow_not_found=True)
        return {
            each.path.removeprefix(base): each.size
            for each in self._system.get_file_info(below)
            if each.type == FileType.File
        }

    def _delete(self, name: str) -> None:
        try:
            self._system.delete_file(f"{self._root}/{name}")
        except FileNotFoundError:
            return
