"""The layout of packed sequences on the disk."""

import hashlib
from pathlib import Path
from typing import Literal

import numpy as np
from pydantic import Field

from llmtrain_api.base import Record

TOKENS_FILE = "tokens.bin"
"""The token of each position, as `TOKEN`."""
LABELS_FILE = "labels.bin"
"""The token that each position must predict, or `IGNORED`, as `LABEL`."""
LAYOUT_FILE = "layout.npz"
"""int64 arrays: `starts` (num_conversations + 1,), the first position of each conversation;
`order` (num_conversations,), their numbers, sequence after sequence; `bounds` (num_sequences + 1,),
where each sequence starts in `order`; `label_counts` (num_sequences,)."""
INDEX_FILE = "index.json"

TOKEN = np.dtype("<u4")
LABEL = np.dtype("<i4")


class PackedIndex(Record):
    """The index of a folder of packed sequences."""

    version: Literal[1] = 1
    sequence_length: int = Field(ge=1)
    padding_id: int = Field(ge=0)
    num_sequences: int = Field(ge=0)
    num_conversations: int = Field(ge=0)
    num_cut: int = Field(ge=0)
    """Conversations that were longer than a sequence and lost their end."""
    num_without_answer: int = Field(ge=0)
    """Conversations left out since the assistant's part did not fit into a sequence."""
    num_positions: int = Field(ge=0)
    """Positions that hold a token; the others are padding."""
    num_labels: int = Field(ge=0)
    """Positions whose prediction counts."""
    sha256: str
    """SHA-256 of the three other files."""


def digest(folder: Path) -> str:
    """SHA-256 of the three files beside the index."""
    sha256 = hashlib.sha256()
    for name in (TOKENS_FILE, LABELS_FILE, LAYOUT_FILE):
        with (folder / name).open("rb") as file:
            sha256.update(hashlib.file_digest(file, "sha256").digest())
    return sha256.hexdigest()
