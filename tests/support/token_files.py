"""Token files with given tokens."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from llmtrain_trainer.tokens.files import TokenFile, TokenIndex, smallest_dtype
from llmtrain_trainer.tokens.writer import TokenShardWriter


def write_token_file(
    folder: Path,
    *shards: Sequence[Sequence[int]],
    vocabulary_size: int,
    bytes_per_token: int,
    sources: Sequence[int] | None = None,
) -> Path:
    """A token file.

    Args:
        folder: made here.
        shards: the documents of each.
        vocabulary_size: every token is less than this.
        bytes_per_token: text that each token stands for.
        sources: position of the source of each shard; not recorded by default.
    """
    folder.mkdir(parents=True)
    dtype = smallest_dtype(vocabulary_size)
    written = []
    for number, documents in enumerate(shards):
        with TokenShardWriter(folder, number, dtype) as writer:
            for document in documents:
                length = np.array([len(document)])
                writer.write(np.array(document, dtype=np.uint32), length, bytes_per_token * length)
        source = None if sources is None else sources[number]
        written.append(writer.shard.replace(source=source))
    TokenIndex(
        dtype=dtype,
        vocabulary_size=vocabulary_size,
        end_of_text_id=0,
        tokenizer="none",
        shards=tuple(written),
    ).write(folder)
    return folder


def all_tokens(file: TokenFile) -> list[int]:
    """The tokens of all shards in a row."""
    tokens: list[int] = file.sequences(np.array([0]), file.index.num_tokens)[0].tolist()
    return tokens
