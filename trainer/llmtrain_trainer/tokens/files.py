"""A token file: its layout, opened without reading it into memory, written document by document."""

import hashlib
from array import array
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, Self

import numpy as np
from numpy.typing import NDArray
from pydantic import Field, ValidationError

from llmtrain_api.base import Record
from llmtrain_api.faults import describe_faults
from llmtrain_trainer.errors import UserError

TOKENS_FILE = "tokens.bin"
"""All tokens, flat, little-endian, of the index's dtype."""
DOCUMENTS_FILE = "documents.npy"
"""int64 of shape (num_documents + 1, 2): the number of tokens and of bytes of UTF-8 text before
each document; the last row holds the totals."""
INDEX_FILE = "index.json"

TokenType = Literal["uint16", "uint32"]
_LARGEST_UINT16_VOCABULARY = 2**16


class TokenIndex(Record):
    """The index of a token file."""

    version: Literal[1] = 1
    dtype: TokenType
    num_tokens: int = Field(ge=0)
    """End-of-text tokens included."""
    num_documents: int = Field(ge=0)
    num_bytes: int = Field(ge=0)
    """Bytes of UTF-8 text that the tokens stand for: the denominator of bits per byte."""
    vocabulary_size: int = Field(ge=1)
    end_of_text_id: int = Field(ge=0)
    tokenizer: str
    """SHA-256 of the `tokenizer.json` that made the tokens."""
    sha256: str
    """SHA-256 of `tokens.bin`."""


def smallest_dtype(vocabulary_size: int) -> TokenType:
    """The narrowest type that holds every token of a vocabulary."""
    return "uint16" if vocabulary_size <= _LARGEST_UINT16_VOCABULARY else "uint32"


def storage(dtype: TokenType) -> np.dtype[np.uint16] | np.dtype[np.uint32]:
    """Type of a token on the disk, independent of the machine's byte order."""
    return np.dtype("<u2") if dtype == "uint16" else np.dtype("<u4")


@dataclass(frozen=True)
class TokenFile:
    """An opened token file; its arrays are read-only views of the disk.

    Open it in the process that reads it: pickled, the views would travel as copies.
    """

    folder: Path
    index: TokenIndex
    tokens: NDArray[np.uint16] | NDArray[np.uint32]
    """Shape (num_tokens,)."""
    documents: NDArray[np.int64]
    """Shape (num_documents + 1, 2): tokens and bytes before each document; totals last."""

    @classmethod
    def open(cls, folder: Path) -> Self:
        """Open a token file and check that its three files fit together.

        Args:
            folder: as a `TokenFileWriter` left it.

        Raises:
            UserError: a file is missing, is no token file, or is shorter or longer than it says.
        """
        index = _read_index(folder)
        return cls(folder, index, _map_tokens(folder, index), _map_documents(folder, index))

    def verify(self) -> None:
        """Read all tokens and compare their checksum.

        Raises:
            UserError: the tokens are not those that were written.
        """
        with (self.folder / TOKENS_FILE).open("rb") as file:
            found = hashlib.file_digest(file, "sha256").hexdigest()
        if found != self.index.sha256:
            raise _broken(self.folder / TOKENS_FILE, "its SHA-256 differs from the index")


def _read_index(folder: Path) -> TokenIndex:
    path = folder / INDEX_FILE
    try:
        return TokenIndex.model_validate_json(path.read_bytes())
    except OSError as error:
        raise _broken(path, error.strerror or str(error)) from error
    except ValidationError as error:
        raise _broken(path, "; ".join(describe_faults(error))) from error


def _map_tokens(folder: Path, index: TokenIndex) -> NDArray[np.uint16] | NDArray[np.uint32]:
    path = folder / TOKENS_FILE
    try:
        size = path.stat().st_size
    except OSError as error:
        raise _broken(path, error.strerror or str(error)) from error
    stored = storage(index.dtype)
    expected = index.num_tokens * stored.itemsize
    if size != expected:
        raise _broken(path, f"it has {size} bytes, the index says {expected}")
    if size == 0:  # an empty file cannot be mapped
        return np.empty(0, dtype=stored)
    return np.memmap(path, dtype=stored, mode="r")


def _map_documents(folder: Path, index: TokenIndex) -> NDArray[np.int64]:
    path = folder / DOCUMENTS_FILE
    try:
        documents: NDArray[np.int64] = np.load(path, mmap_mode="r", allow_pickle=False)
    except (OSError, ValueError, EOFError) as error:
        raise _broken(path, str(error)) from error
    shape = (index.num_documents + 1, 2)
    if documents.shape != shape or documents.dtype != np.int64:
        raise _broken(path, f"it is {documents.dtype}{documents.shape}, expected int64{shape}")
    if documents[-1].tolist() != [index.num_tokens, index.num_bytes]:
        raise _broken(path, "its totals differ from the index")
    return documents


def _broken(path: Path, fault: str) -> UserError:
    return UserError(
        f"{path}: {fault}; delete {path.parent} and run the tokenizer stage again",
        reason="InvalidTokenFile",
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
