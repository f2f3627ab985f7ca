"""Copies a driver's output into the workspace: Ray's own copy is lost with the Ray cluster."""

import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

from llmtrain_trainer.files import create_binary

_STDOUT, _STDERR = 1, 2
_CHUNK_BYTES = 65536


@contextmanager
def driver_log(path: Path) -> Iterator[None]:
    """Copy standard output and error, of this process and its children, into a file.

    Args:
        path: path of the file, which is created anew with its folder.

    Raises:
        UserError: a symbolic link is in its place.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    reader, writer = os.pipe()
    kept = os.dup(_STDOUT), os.dup(_STDERR)
    with create_binary(path) as file:
        pump = threading.Thread(target=_pump, args=(reader, kept[0], file), daemon=True)
        pump.start()
        for descriptor in (_STDOUT, _STDERR):
            os.dup2(writer, descriptor)
        os.close(writer)
        try:
            yield
        finally:
            # The pump ends when the last copy of the pipe's end is closed; a child may keep one.
            os.dup2(kept[0], _STDOUT)
            os.dup2(kept[1], _STDERR)
            pump.join(timeout=5)
    for descriptor in kept:
        os.close(descriptor)


def _pump(reader: int, output: int, file: BinaryIO) -> None:
    while chunk := os.read(reader, _CHUNK_BYTES):
        _write_all(output, chunk)
        try:
            file.write(chunk)
        except (OSError, ValueError):
            continue  # the disk is full, or it is over: the stage is not to die of its log
    os.close(reader)


def _write_all(descriptor: int, chunk: bytes) -> None:
    while chunk:
        chunk = chunk[os.write(descriptor, chunk) :]
