"""Writes the token files of both splits."""

import hashlib
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import numpy as np

from llmtrain_api.progress import bounded_warnings
from llmtrain_trainer.data.documents import row_groups
from llmtrain_trainer.errors import Interrupted
from llmtrain_trainer.stage import StageContext
from llmtrain_trainer.tokenizer.encode import Encoding, EncodingTask, encode_in_order
from llmtrain_trainer.tokenizer.pretrained import end_of_text_id
from llmtrain_trainer.tokens.files import TokenFileWriter

_TOKENIZER_FILE = "tokenizer.json"
_SPLITS = ("train", "validation")


def tokenizer_sha256(folder: Path) -> str:
    """SHA-256 of a folder's `tokenizer.json`; empty where there is none."""
    path = folder / _TOKENIZER_FILE
    return hashlib.sha256(path.read_bytes()).hexdigest() if path.is_file() else ""


def write_token_files(folder: Path, context: StageContext, *, from_percent: float) -> None:
    """Write the documents as tokens, in the documents' order.

    Args:
        folder: where `train/` and `validation/` are made.
        context: its workspace holds the documents and the tokenizer.
        from_percent: the stage's progress before.

    Raises:
        UserError: the tokenizer has no token that ends a text.
        Interrupted: a stop was requested.
    """
    from transformers import AutoTokenizer

    documents, home = context.workspace.documents, context.workspace.tokenizer
    tokenizer = AutoTokenizer.from_pretrained(home, trust_remote_code=False)
    end_of_text = end_of_text_id(tokenizer)
    sha256 = tokenizer_sha256(home)
    groups = [(split, group) for split in _SPLITS for group in row_groups(documents / split)]
    tasks = [
        EncodingTask(group, home / _TOKENIZER_FILE, sha256, end_of_text) for _, group in groups
    ]
    with ExitStack() as files:
        writers = {
            split: files.enter_context(
                TokenFileWriter(
                    folder / split,
                    vocabulary_size=len(tokenizer),
                    end_of_text_id=end_of_text,
                    tokenizer=sha256,
                )
            )
            for split in _SPLITS
        }
        unknown = _UnknownTokens(tokenizer.unk_token_id, end_of_text)
        for number, encoding in enumerate(encode_in_order(tasks)):
            if context.stop.is_set():
                raise Interrupted("stopped while writing tokens; they will be written anew")
            split, _ = groups[number]
            writers[split].write(encoding.tokens, encoding.num_tokens, encoding.num_bytes)
            unknown.count(encoding)
            context.progress.update(
                percent=from_percent + (100 - from_percent) * (number + 1) / len(groups),
                activity=f"writing tokens (part {number + 1} of {len(groups)})",
            )
        context.progress.update(warnings=bounded_warnings(unknown.warnings()))


class _UnknownTokens:
    """Counts the tokens that stand for text that the vocabulary cannot write.

    Args:
        unknown: the token; None where the tokenizer has none.
        end_of_text: the token that ends a document, which some tokenizers use for both.
    """

    def __init__(self, unknown: int | None, end_of_text: int) -> None:
        self._unknown = None if unknown == end_of_text else unknown
        self._num_unknown = self._num_tokens = 0

    def count(self, encoding: Encoding) -> None:
        """Count those of some documents."""
        self._num_tokens += len(encoding.tokens)
        if self._unknown is not None:
            self._num_unknown += int(np.count_nonzero(encoding.tokens == self._unknown))

    def warnings(self) -> Iterator[str]:
        """Warnings about the token files."""
        if self._num_unknown:
            yield (
                f"{self._num_unknown:,} of {self._num_tokens:,} tokens stand for text that the "
                "vocabulary cannot write, which is lost; tokenizer.algorithm: bpe and unigram "
                "write any text"
            )
