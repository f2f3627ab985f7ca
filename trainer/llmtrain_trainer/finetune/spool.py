"""Conversations kept on the disk as tokens, until it is known which of them are held out."""

from collections.abc import Iterator
from pathlib import Path
from typing import Self

import numpy as np

from llmtrain_trainer.conversations.encode import Encoded

_LENGTH = np.dtype("<i8")
_TOKEN = np.dtype("<u4")
_COUNTS = np.dtype(np.bool_)


class Spool:
    """Takes conversations, and gives them back in the same order; a context manager.

    Args:
        path: of a file that exists while the context is open.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._file = path.open("w+b")

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._file.close()
        self._path.unlink()

    def append(self, encoded: Encoded) -> None:
        """Add a conversation."""
        length = np.array(len(encoded.tokens), dtype=_LENGTH)
        tokens, counts = encoded.tokens.astype(_TOKEN), encoded.counts.astype(_COUNTS)
        self._file.write(length.tobytes() + tokens.tobytes() + counts.tobytes())

    def __iter__(self) -> Iterator[Encoded]:
        """All conversations."""
        self._file.seek(0)
        while head := self._file.read(_LENGTH.itemsize):
            length = int(np.frombuffer(head, dtype=_LENGTH)[0])
            tokens = np.frombuffer(self._file.read(length * _TOKEN.itemsize), dtype=_TOKEN)
            counts = np.frombuffer(self._file.read(length * _COUNTS.itemsize), dtype=_COUNTS)
            yield Encoded(tokens.astype(np.uint32), counts)
