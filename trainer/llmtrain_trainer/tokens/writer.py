"""Writes a token file, document after document, in constant memory for the tokens."""

import hashlib
from array import array
from pathlib import Path
from typing import Self

import numpy as np
from numpy.typing import NDArray

from llmtrain_trainer.tokens.format import (
    DOCUMENTS_FILE,
    INDEX_FILE,
    TOKENS_FILE,
    TokenIndex,
    smallest_dtype,
    storage,
)


class TokenFileWriter:
    """A context manager; `index.json` is written last, and only when all went well.

    Args:
        folder: made here; it must not hold a token file yet.
        vocabulary_size: every token is less than this.
        end_of_text_id: the token that closes each document.
        tokenizer: SHA-256 of the `tokenizer.json`.
    """

    def __init__(
        self, folder: Path, *, vocabulary_size: int, end_of_text_id: int, tokenizer: str
    ) -> None:
        self._folder = folder
        self._vocabulary_size = vocabulary_size
        self._end_of_text_id = end_of_text_id
        self._tokenizer = tokenizer
        self._dtype = smallest_dtype(vocabulary_size)
        self._storage = storage(self._dtype)
        self._starts = array("q", [0, 0])
        self._sha256 = hashlib.sha256()
        folder.mkdir(parents=True)
        self._file = (folder / TOKENS_FILE).open("wb")

    def write(
        self,
        tokens: NDArray[np.uint32],
        num_tokens: NDArray[np.int64],
        num_bytes: NDArray[np.int64],
    ) -> None:
        """Append documents.

        Args:
            tokens: of all these documents one after the other, end-of-text tokens included.
            num_tokens: of each document, shape (num_documents,); they sum to `len(tokens)`.
            num_bytes: of UTF-8 text of each document, shape (num_documents,).
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
            starts = np.frombuffer(self._starts, dtype=np.int64).reshape(-1, 2)
            np.save(self._folder / DOCUMENTS_FILE, starts)
            index = self._index(num_tokens=int(starts[-1, 0]), num_bytes=int(starts[-1, 1]))
            text = index.model_dump_json(indent=2) + "\n"
            (self._folder / INDEX_FILE).write_text(text, encoding="utf-8")

    def _index(self, num_tokens: int, num_bytes: int) -> TokenIndex:
        return TokenIndex(
            dtype=self._dtype,
            num_tokens=num_tokens,
            num_documents=len(self._starts) // 2 - 1,
            num_bytes=num_bytes,
            vocabulary_size=self._vocabulary_size,
            end_of_text_id=self._end_of_text_id,
            tokenizer=self._tokenizer,
            sha256=self._sha256.hexdigest(),
        )
