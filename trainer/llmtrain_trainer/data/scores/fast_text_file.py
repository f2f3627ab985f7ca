"""The labels in a file of fastText, and whether the file is whole.

fastText itself reads one that is cut off without an error, and gives other scores. The form is that
of its version 0.9 (`FastText::saveModel`), little-endian.
"""

import struct
from collections.abc import Callable
from pathlib import Path
from typing import BinaryIO

_MAGIC = 793712314
_VERSIONS = (11, 12)
_SUPERVISED = 3
_LABEL = 1
_CENTROIDS = 256
_CHUNK = 2**20

_Read = Callable[[str], tuple[int, ...]]


def labels_in(path: Path) -> list[str]:
    """The labels of a classifier, as it gives them.

    Raises:
        ValueError: the file holds no classifier of fastText, or is cut off.
    """
    with path.open("rb") as file:

        def read(form: str) -> tuple[int, ...]:
            data = file.read(struct.calcsize(f"<{form}"))
            try:
                return struct.unpack(f"<{form}", data)
            except struct.error:
                raise ValueError("the file is cut off") from None

        if path.stat().st_size < struct.calcsize("<2i") or read("2i") not in {
            (_MAGIC, version) for version in _VERSIONS
        }:
            raise ValueError("no model of fastText")
        settings = read("12iq")
        if settings[7] != _SUPERVISED:
            raise ValueError("a model of words, no classifier")
        count, _, _, _, num_pruned = read("3i2q")
        labels = _labels(file, count)
        file.seek(struct.calcsize("<2i") * max(num_pruned, 0), 1)
        (is_quantized,) = read("?")
        _skip_matrix(file, read, is_quantized=bool(is_quantized))
        (is_output_quantized,) = read("?")
        _skip_matrix(file, read, is_quantized=bool(is_quantized and is_output_quantized))
        if file.tell() > path.stat().st_size:
            raise ValueError("the file is cut off")
    return labels


def _labels(file: BinaryIO, count: int) -> list[str]:
    """The labels among the entries of the dictionary, after which the file is left."""
    size = struct.calcsize("<qb")
    start = file.tell()
    labels: list[str] = []
    pending, used = b"", 0
    for _ in range(count):
        end = pending.find(b"\0", used)
        while end < 0 or end + 1 + size > len(pending):
            more = file.read(_CHUNK)
            if not more:
                raise ValueError("the file is cut off")
            start += used
            pending, used = pending[used:] + more, 0
            end = pending.find(b"\0")
        _, kind = struct.unpack_from("<qb", pending, end + 1)
        if kind == _LABEL:
            labels.append(pending[used:end].decode(errors="replace"))
        used = end + 1 + size
    file.seek(start + used)
    return labels


def _skip_matrix(file: BinaryIO, read: _Read, *, is_quantized: bool) -> None:
    if not is_quantized:
        rows, columns = read("2q")
        file.seek(4 * rows * columns, 1)
        return
    has_norms, rows, _, num_codes = read("?2qi")
    file.seek(num_codes, 1)
    _skip_centroids(file, read)
    if has_norms:
        file.seek(rows, 1)
        _skip_centroids(file, read)


def _skip_centroids(file: BinaryIO, read: _Read) -> None:
    dimensions, _, _, _ = read("4i")
    file.seek(4 * dimensions * _CENTROIDS, 1)
