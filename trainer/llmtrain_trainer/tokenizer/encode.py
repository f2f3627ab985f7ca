"""Turns documents into tokens: one shard of a token file at a time, each by one worker."""

from array import array
from dataclasses import dataclass
from functools import lru_cache, partial
from itertools import chain
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from llmtrain_api.base import Record
from llmtrain_trainer.control_tokens import TextTokenizer
from llmtrain_trainer.data.documents import DocumentFile
from llmtrain_trainer.tokens.files import TokenShard, TokenType
from llmtrain_trainer.tokens.writer import TokenShardWriter
from llmtrain_trainer.units import committed


@dataclass(frozen=True)
class TokenUnit:
    """Neighbouring files of documents of one split and one source, which become a shard."""

    split: str
    number: int
    """The shard's, in its token file."""
    source: int | None
    """Position of the source in the manifest; None where an older version wrote the documents."""
    files: tuple[DocumentFile, ...]

    @property
    def name(self) -> str:
        """The name of its folder."""
        return f"{self.split}-{self.number:06}"


@dataclass(frozen=True)
class Encoder:
    """A tokenizer, and how its tokens are written."""

    tokenizer_file: Path
    """A `tokenizer.json` that every machine sees."""
    tokenizer_sha256: str
    end_of_text_id: int
    unknown_id: int | None
    """The token for text that the vocabulary cannot write; None where it writes any."""
    dtype: TokenType


class EncodedUnit(Record):
    """Report on a unit."""

    shard: TokenShard
    num_unknown: int
    """Tokens that stand for text that the vocabulary cannot write."""


@dataclass(frozen=True)
class Encoding:
    """Documents as tokens, each closed by the end-of-text token."""

    tokens: NDArray[np.uint32]
    """Tokens of all documents, one after the other."""
    num_tokens: NDArray[np.int64]
    """Number of tokens of each document, shape (num_documents,)."""
    num_bytes: NDArray[np.int64]
    """Bytes of UTF-8 text of each document, shape (num_documents,)."""


def encode_unit(unit: TokenUnit, encoder: Encoder, home: Path) -> EncodedUnit:
    """Write the documents of a unit as a shard.

    Args:
        unit: says which documents.
        encoder: makes the tokens.
        home: folder of all units.
    """
    return committed(home / unit.name, partial(_encode_unit, unit, encoder), EncodedUnit)


def encode(texts: list[str], encoder: Encoder) -> Encoding:
    """Documents as tokens."""
    tokenizer = _load(encoder.tokenizer_file, encoder.tokenizer_sha256)
    ids = tokenizer.encode_ids(texts)
    tokens = array("I")  # it takes a list of numbers in a tenth of numpy's time
    for document in ids:
        tokens.fromlist(document)
        tokens.append(encoder.end_of_text_id)
    return Encoding(
        tokens=np.asarray(tokens),
        num_tokens=np.array([len(document) + 1 for document in ids], dtype=np.int64),
        num_bytes=np.array([len(text.encode()) for text in texts], dtype=np.int64),
    )


def _encode_unit(unit: TokenUnit, encoder: Encoder, folder: Path) -> EncodedUnit:
    num_unknown = 0
    with TokenShardWriter(folder, unit.number, encoder.dtype) as writer:
        for group in chain.from_iterable(file.row_groups() for file in unit.files):
            encoding = encode(group.texts(), encoder)
            writer.write(encoding.tokens, encoding.num_tokens, encoding.num_bytes)
            if encoder.unknown_id is not None:
                num_unknown += int(np.count_nonzero(encoding.tokens == encoder.unknown_id))
    return EncodedUnit(shard=writer.shard, num_unknown=num_unknown)


@lru_cache(maxsize=1)
def _load(tokenizer_file: Path, tokenizer_sha256: str) -> TextTokenizer:  # noqa: ARG001 - part of the key
    """The tokenizer, loaded once in each process while its content is the same."""
    return TextTokenizer(tokenizer_file.read_text(encoding="utf-8"))
