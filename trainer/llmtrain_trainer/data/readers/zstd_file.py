"""Reads zstd files, whatever their window, and notices where one ends too early."""

import io
from typing import TYPE_CHECKING, BinaryIO

import zstandard

if TYPE_CHECKING:
    from _typeshed import WriteableBuffer

_MAX_WINDOW_BYTES = 2**zstandard.WINDOWLOG_MAX
"""Window of `zstd --long=31`. The decoder allocates it only for files made so."""
_INPUT_BYTES = 4096
"""Read at a time: it may unpack to 32,000 times as much."""


class ZstdFile(io.RawIOBase):
    """The unpacked bytes of a file.

    Args:
        packed: one frame or several; closed with this file.
    """

    def __init__(self, packed: BinaryIO) -> None:
        self._packed = packed
        self._frame: zstandard.ZstdDecompressionObj | None = None
        self._input = b""
        self._output = memoryview(b"")

    def readable(self) -> bool:
        """It can be read."""
        return True

    def close(self) -> None:
        """Close the packed file too."""
        self._packed.close()
        super().close()

    def readinto(self, buffer: "WriteableBuffer") -> int:
        """Fill a buffer; 0 means the end.

        Raises:
            ZstdError: the data is broken.
            EOFError: the last frame is cut off.
        """
        target = memoryview(buffer).cast("B")
        while not self._output:
            self._input = self._input or self._packed.read(_INPUT_BYTES)
            if not self._input:
                if self._frame is not None:
                    raise EOFError("the last frame is cut off")
                return 0
            self._unpack()
        count = min(len(target), len(self._output))
        target[:count] = self._output[:count]
        self._output = self._output[count:]
        return count

    def _unpack(self) -> None:
        if self._frame is None:
            decoder = zstandard.ZstdDecompressor(max_window_size=_MAX_WINDOW_BYTES)
            self._frame = decoder.decompressobj()
        self._output = memoryview(self._frame.decompress(self._input))
        self._input = self._frame.unused_data
        if self._frame.eof:
            self._frame = None
