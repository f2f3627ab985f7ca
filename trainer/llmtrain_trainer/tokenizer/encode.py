"""Turns documents into tokens; many documents are spread over the machines."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import chain
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from llmtrain_trainer.control_tokens import TextTokenizer
from llmtrain_trainer.data.documents import RowGroup
from llmtrain_trainer.parallel import map_in_order


@dataclass(frozen=True)
class EncodingTask:
    """Some documents, and the tokenizer to encode them with."""

    documents: RowGroup
    tokenizer_file: Path
    """A `tokenizer.json` that every machine sees."""
    tokenizer_sha256: str
    end_of_text_id: int


@dataclass(frozen=True)
class Encoding:
    """Documents as tokens, each closed by the end-of-text token."""

    tokens: NDArray[np.uint32]
    """Tokens of all documents, one after the other."""
    num_tokens: NDArray[np.int64]
    """Number of tokens of each document, shape (num_documents,)."""
    num_bytes: NDArray[np.int64]
    """Bytes of UTF-8 text of each document, shape (num_documents,)."""


def encode_in_order(tasks: Sequence[EncodingTask]) -> Iterator[Encoding]:
    """One encoding for each task, in the order of the tasks."""
    num_bytes = sum(task.documents.num_bytes for task in tasks)
    return map_in_order(tasks, _encode, num_bytes=num_bytes)


def _encode(task: EncodingTask) -> Encoding:
    texts = task.documents.texts()
    tokenizer = _load(task.tokenizer_file, task.tokenizer_sha256)
    ids = [[*document, task.end_of_text_id] for document in tokenizer.encode_ids(texts)]
    return Encoding(
        tokens=np.fromiter(chain.from_iterable(ids), dtype=np.uint32),
        num_tokens=np.array([len(document) for document in ids], dtype=np.int64),
        num_bytes=np.array([len(text.encode()) for text in texts], dtype=np.int64),
    )


@lru_cache(maxsize=1)
def _load(tokenizer_file: Path, tokenizer_sha256: str) -> TextTokenizer:  # noqa: ARG001 - part of the key
    """The tokenizer, loaded once in each process while its content is the same."""
    return TextTokenizer(tokenizer_file.read_text(encoding="utf-8"))
