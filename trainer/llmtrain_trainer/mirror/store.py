"""Objects below a URL: put, get, list and delete, with retries.

The filesystems are pyarrow's. Each object is written by one call and visible as a whole or not at
all, but for `file://`, where a kill may leave a part of it: whoever reads checks the content.
"""

import logging
import os
import random
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Self, TypeVar

from llmtrain_trainer.errors import Interrupted
from llmtrain_trainer.mirror.faults import Transient, understand

if TYPE_CHECKING:
    from pyarrow import fs

_log = logging.getLogger(__name__)
T = TypeVar("T")

_FIRST_WAIT_SECONDS = 0.5
_LONGEST_WAIT_SECONDS = 30.0
_CONNECT_SECONDS = 10
_REQUEST_SECONDS = 60


@dataclass(frozen=True)
class Patience:
    """The limit of retries, whose waits double."""

    seconds: float = 120.0
    """Longest time from the first try of an operation to its last."""
    stop: threading.Event = field(default_factory=threading.Event)
    """Ends a wait."""


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
        system, root = _retried(lambda: _connect(url), url, field_name, patience)
        return cls(url, field_name, system, root, patience)

    def put(self, name: str, data: bytes) -> None:
        """Write an object, in the place of one of the same name.

        Raises:
            UserError: the bucket is missing, or the credentials do not suffice.
            StoreError: the store could not be reached.
        """
        self._try(lambda: self._put(name, data))

    def get(self, name: str) -> bytes | None:
        """The content of an object; None where there is none.

        Raises:
            UserError: the bucket is missing, or the credentials do not suffice.
            StoreError: the store could not be reached.
        """
        return self._try(lambda: self._get(name))

    def sizes(self, folder: str) -> dict[str, int]:
        """Size in bytes of each object below a folder, by its name relative to that.

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
        return _retried(operation, self.url, self.field_name, self._patience)

    def _put(self, name: str, data: bytes) -> None:
        path = f"{self._root}/{name}"
        if self._system.type_name == "local":
            self._system.create_dir(path.rpartition("/")[0])
        with self._system.open_output_stream(path) as stream:
            stream.write(data)

    def _get(self, name: str) -> bytes | None:
        try:
            with self._system.open_input_file(f"{self._root}/{name}") as file:
                content: bytes = file.read()
        except FileNotFoundError:
            return None
        return content

    def _sizes(self, folder: str) -> dict[str, int]:
        from pyarrow.fs import FileSelector, FileType

        base = f"{self._root}/{folder}/"
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
    if scheme != "s3":
        system, root = fs.FileSystem.from_uri(url)
        return system, root.rstrip("/")
    endpoint = os.environ.get("AWS_ENDPOINT_URL_S3") or os.environ.get("AWS_ENDPOINT_URL")
    region = os.environ.get("AWS_REGION") or os.environ.get("AWS_DEFAULT_REGION")
    if region is None and endpoint is None:
        region = fs.resolve_s3_region(path.partition("/")[0])
    return (
        fs.S3FileSystem(
            region=region,
            endpoint_override=endpoint,
            connect_timeout=_CONNECT_SECONDS,
            request_timeout=_REQUEST_SECONDS,
            allow_delayed_open=True,  # one request for what is small
            retry_strategy=fs.AwsStandardS3RetryStrategy(max_attempts=1),  # we retry
        ),
        path,
    )


def _retried(operation: Callable[[], T], url: str, field_name: str, patience: Patience) -> T:
    deadline = time.monotonic() + patience.seconds
    wait = _FIRST_WAIT_SECONDS
    while True:
        try:
            return operation()
        except OSError as error:
            fault = understand(error, url, field_name)
            if not isinstance(fault, Transient) or time.monotonic() + wait > deadline:
                raise fault.error from error
            _log.warning("%s; another try in %.1f seconds", fault.error.message, wait)
        if patience.stop.wait(wait * random.uniform(0.5, 1)):  # noqa: S311 - spreads retries
            raise Interrupted(f"stopped while {url} could not be reached")
        wait = min(2 * wait, _LONGEST_WAIT_SECONDS)
