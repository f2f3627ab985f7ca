"""Writes one shard of a token file, some documents at a time."""

import hashlib
from array import array
from pathlib import Path
from typing import Self

import numpy as np
from numpy.typing import NDArray

from llmtrain_trainer.tokens.files import (
    TokenShard,
    TokenType,
    documents_file,
    storage,
    tokens_file,
)


class TokenShardWriter:
    """A context manager.

    Args:
        folder: where the shard's two files are made.
        number: the shard's, in its token file.
        dtype: type of a token.
    """

    def __init__(self, folder: Path, number: int, dtype: TokenType) -> None:
        self._documents = folder / documents_file(number)
        self._storage = storage(dtype)
        self._starts = array("q", [0, 0])
        self._sha256 = hashlib.sha256()
        self._file = (folder / tokens_file(number)).open("wb")

    @property
    def shard(self) -> TokenShard:
        """What was written."""
        num_tokens, num_bytes = self._starts[-2:]
        return TokenShard(
            num_tokens=num_tokens,
            num_documents=len(self._starts) // 2 - 1,
            num_bytes=num_bytes,
            sha256=self._sha256.hexdigest(),
        )

    def write(
        self,
        tokens: NDArray[np.uint32],
        num_tokens: NDArray[np.int64],
        num_bytes: NDArray[np.int64],
    ) -> None:
        """Append documents.

        Args:
            tokens: tokens of all these documents in a row, with end-of-text tokens.
            num_tokens: tokens of each document, shape (num_documents,); they sum to `len(tokens)`.
            num_bytes: UTF-8 bytes of each document, shape (num_documents,).
        """
        data = tokens.astype(self._storage).tobytes()
        self._file.write(data)
        self._sha256.update(data)
        ends = np.cumsum(np.stack([num_tokens, num_bytes], axis=1, dtype=np.int64), axis=0)
        ends += np.array(self._starts[-2:], dtype=np.int64)
        self._starts.frombytes(ends.tobytes())

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        self._file.close()
        if kind is None:
            np.save(self._documents, np.frombuffer(self._starts, dtype=np.int64).reshape(-1, 2))
