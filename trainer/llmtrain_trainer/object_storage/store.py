"""Objects below a URL: put, get, list and delete, with retries.

The filesystems are pyarrow's. Each object is written by one call and visible as a whole or not at
all, but for `file://`, where a kill may leave a part of it: whoever reads checks the content.
"""

import os
import shutil
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Self, TypeVar

from llmtrain_trainer.object_storage.faults import understand
from llmtrain_trainer.object_storage.retries import Patience, retried

if TYPE_CHECKING:
    from pyarrow import fs

T = TypeVar("T")

_CONNECT_SECONDS = 10
_REQUEST_SECONDS = 60
_GOOGLE_RETRIES = timedelta(seconds=5)
"""Pyarrow's own retries, of 15 minutes by default, cannot be switched off; we retry."""
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
            lambda: _connect(url),
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


def _connect(url: str) -> "tuple[fs.FileSystem, str]":
    from pyarrow import fs

    scheme, _, path = url.partition("://")
    path = path.rstrip("/")
    if scheme == "file":
        Path(f"{path}/").stat()
    if scheme == "s3":
        return _amazon(path), path
    if scheme == "gs":
        return _google(), path
    system, root = fs.FileSystem.from_uri(url)
    return system, root.rstrip("/")


def _amazon(path: str) -> "fs.S3FileSystem":
    """S3, or another server that speaks its protocol.

    Args:
        path: bucket and prefix.
    """
    from pyarrow import fs

    endpoint = os.environ.get("AWS_ENDPOINT_URL_S3") or os.environ.get("AWS_ENDPOINT_URL")
    region = os.environ.get("AWS_REGION") or os.environ.get("AWS_DEFAULT_REGION")
    if region is None and endpoint is None:
        region = fs.resolve_s3_region(path.partition("/")[0])
    return fs.S3FileSystem(
        region=region,
        endpoint_override=endpoint,
        connect_timeout=_CONNECT_SECONDS,
        request_timeout=_REQUEST_SECONDS,
        allow_delayed_open=True,  # one request for what is small
        retry_strategy=fs.AwsStandardS3RetryStrategy(max_attempts=1),  # we retry
    )


def _google() -> "fs.GcsFileSystem":
    """Google Cloud Storage, or the emulator that Google's variable for it names."""
    from pyarrow import fs

    emulator = os.environ.get("STORAGE_EMULATOR_HOST")
    if not emulator:
        return fs.GcsFileSystem(retry_time_limit=_GOOGLE_RETRIES)
    scheme, _, host = emulator.rpartition("://")
    return fs.GcsFileSystem(
        anonymous=True,
        endpoint_override=host,
        scheme=scheme or "http",
        retry_time_limit=_GOOGLE_RETRIES,
    )
