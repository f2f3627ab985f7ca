"""The layout of a token file."""

from typing import Literal

import numpy as np
from pydantic import Field

from llmtrain_api.base import Record

TOKENS_FILE = "tokens.bin"
"""All tokens, flat, little-endian, of the index's dtype."""
DOCUMENTS_FILE = "documents.npy"
"""int64 of shape (num_documents + 1, 2): the number of tokens and of bytes of UTF-8 text before
each document; the last row holds the totals."""
INDEX_FILE = "index.json"

TokenType = Literal["uint16", "uint32"]
_LARGEST_UINT16_VOCABULARY = 2**16


class TokenIndex(Record):
    """What a token file holds."""

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
    """How a token lies on the disk, whatever the machine's byte order."""
    return np.dtype("<u2") if dtype == "uint16" else np.dtype("<u4")
