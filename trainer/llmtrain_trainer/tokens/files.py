"""A token file: its layout, and reading it without taking it into memory."""

import hashlib
from collections import OrderedDict
from itertools import accumulate
from pathlib import Path
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import Field, ValidationError

from llmtrain_api.base import Record
from llmtrain_api.faults import describe_faults
from llmtrain_trainer.errors import UserError
from llmtrain_trainer.files import sha256

INDEX_FILE = "index.json"
VERSION: Literal[2] = 2
"""Version of the layout."""

TokenType = Literal["uint16", "uint32"]
Tokens = NDArray[np.uint16] | NDArray[np.uint32]
_LARGEST_UINT16_VOCABULARY = 2**16
_MOST_OPEN = 256
"""Shards that one reader maps at a time: a process may have few open files."""


def tokens_file(shard: int) -> str:
    """The name of a shard's tokens, flat, little-endian, of the index's dtype."""
    return f"tokens-{shard:06}.bin"


def documents_file(shard: int) -> str:
    """The name of the starts of a shard's documents.

    int64 of shape (num_documents + 1, 2): the number of the shard's tokens and of bytes of UTF-8
    text before each document; the last row holds the totals.
    """
    return f"documents-{shard:06}.npy"


class TokenShard(Record):
    """Some neighbouring documents."""

    num_tokens: int = Field(ge=0)
    """End-of-text tokens included."""
    num_documents: int = Field(ge=0)
    num_bytes: int = Field(ge=0)
    """Bytes of UTF-8 text that the tokens stand for: the denominator of bits per byte."""
    sha256: str
    """SHA-256 of its tokens' file."""
    source: int | None = None
    """Position of its documents' source in the manifest; None where an older version wrote them."""


class TokenIndex(Record):
    """The index of a token file."""

    version: Literal[2] = VERSION
    dtype: TokenType
    vocabulary_size: int = Field(ge=1)
    end_of_text_id: int = Field(ge=0)
    tokenizer: str
    """SHA-256 of the `tokenizer.json` that made the tokens."""
    shards: tuple[TokenShard, ...]
    """All shards, in the documents' order."""

    @property
    def num_tokens(self) -> int:
        """Tokens of all shards."""
        return sum(shard.num_tokens for shard in self.shards)

    @property
    def num_documents(self) -> int:
        """Documents of all shards."""
        return sum(shard.num_documents for shard in self.shards)

    @property
    def num_bytes(self) -> int:
        """Bytes of all shards."""
        return sum(shard.num_bytes for shard in self.shards)

    @property
    def tokens_by_source(self) -> dict[int | None, int]:
        """Tokens of each source. Its shards are neighbours, and sources come in this order."""
        found: dict[int | None, int] = {}
        for shard in self.shards:
            found[shard.source] = found.get(shard.source, 0) + shard.num_tokens
        return found

    @property
    def sha256(self) -> str:
        """Digest of the shards' digests: it stands for all tokens."""
        return hashlib.sha256("".join(shard.sha256 for shard in self.shards).encode()).hexdigest()

    def write(self, folder: Path) -> None:
        """Write `index.json`, once all shards are there."""
        text = self.model_dump_json(indent=2) + "\n"
        (folder / INDEX_FILE).write_text(text, encoding="utf-8")


def smallest_dtype(vocabulary_size: int) -> TokenType:
    """The narrowest type that holds every token of a vocabulary."""
    return "uint16" if vocabulary_size <= _LARGEST_UINT16_VOCABULARY else "uint32"


def storage(dtype: TokenType) -> np.dtype[np.uint16] | np.dtype[np.uint32]:
    """Type of a token on the disk, independent of the machine's byte order."""
    return np.dtype("<u2") if dtype == "uint16" else np.dtype("<u4")


class TokenFile:
    """An opened token file, whose shards are views of the disk.

    Args:
        folder: as the tokenizer stage left it.

    Raises:
        UserError: a file is missing, is no token file, or is shorter or longer than it says.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.index = _read_index(folder)
        sizes = (shard.num_tokens for shard in self.index.shards)
        self._starts = [*accumulate(sizes, initial=0)]
        self._open: OrderedDict[int, Tokens] = OrderedDict()
        for number in range(len(self.index.shards)):
            _check_size(folder, self.index, number)
            self.documents(number)

    def sequences(self, starts: NDArray[np.int64], length: int) -> NDArray[np.int64]:
        """Pieces of the tokens of all shards in a row.

        Args:
            starts: position of the first token of each piece, shape (num_pieces,).
            length: tokens of a piece; all are within the file.

        Returns:
            Shape (num_pieces, length).
        """
        pieces = np.empty((len(starts), length), dtype=np.int64)
        shards = np.searchsorted(self._starts, starts, side="right") - 1
        for piece, start, shard in zip(pieces, starts.tolist(), shards.tolist(), strict=True):
            self._read(piece, start, shard)
        return pieces

    def documents(self, shard: int) -> NDArray[np.int64]:
        """The starts of a shard's documents, as in its file.

        Raises:
            UserError: the file is damaged.
        """
        path = self.folder / documents_file(shard)
        try:
            documents: NDArray[np.int64] = np.load(path, mmap_mode="r", allow_pickle=False)
        except (OSError, ValueError, EOFError) as error:
            raise _broken(path, str(error)) from error
        stated = self.index.shards[shard]
        shape = (stated.num_documents + 1, 2)
        if documents.shape != shape or documents.dtype != np.int64:
            raise _broken(path, f"it is {documents.dtype}{documents.shape}, expected int64{shape}")
        if documents[-1].tolist() != [stated.num_tokens, stated.num_bytes]:
            raise _broken(path, "its totals differ from the index")
        return documents

    def verify(self) -> None:
        """Read all tokens and compare their checksums.

        Raises:
            UserError: the tokens are not those that were written.
        """
        for number, shard in enumerate(self.index.shards):
            path = self.folder / tokens_file(number)
            if sha256(path) != shard.sha256:
                raise _broken(path, "its SHA-256 differs from the index")

    def _read(self, piece: NDArray[np.int64], start: int, shard: int) -> None:
        """Fill a piece, which may reach over several shards."""
        filled = 0
        while filled < len(piece):
            begin = start + filled - self._starts[shard]
            found = self._tokens(shard)[begin : begin + len(piece) - filled]
            piece[filled : filled + len(found)] = found
            filled += len(found)
            shard += 1

    def _tokens(self, shard: int) -> Tokens:
        if shard in self._open:
            self._open.move_to_end(shard)
            return self._open[shard]
        stored = storage(self.index.dtype)
        # An empty file cannot be mapped.
        tokens: Tokens = (
            np.asarray(np.memmap(self.folder / tokens_file(shard), dtype=stored, mode="r"))
            if self.index.shards[shard].num_tokens
            else np.empty(0, dtype=stored)
        )
        self._open[shard] = tokens
        if len(self._open) > _MOST_OPEN:
            self._open.popitem(last=False)
        return tokens


def _read_index(folder: Path) -> TokenIndex:
    path = folder / INDEX_FILE
    try:
        return TokenIndex.model_validate_json(path.read_bytes())
    except OSError as error:
        raise _broken(path, error.strerror or str(error)) from error
    except ValidationError as error:
        raise _broken(path, "; ".join(describe_faults(error))) from error


def _check_size(folder: Path, index: TokenIndex, shard: int) -> None:
    path = folder / tokens_file(shard)
    try:
        size = path.stat().st_size
    except OSError as error:
        raise _broken(path, error.strerror or str(error)) from error
    expected = index.shards[shard].num_tokens * storage(index.dtype).itemsize
    if size != expected:
        raise _broken(path, f"it has {size} bytes, the index says {expected}")


def _broken(path: Path, fault: str) -> UserError:
    both_splits = path.parent.parent
    return UserError(
        f"{path}: {fault}; delete {both_splits} and run the tokenizer stage again",
        reason="InvalidTokenFile",
    )
