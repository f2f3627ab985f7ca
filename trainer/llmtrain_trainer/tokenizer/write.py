"""Writes the token files of both splits."""

import hashlib
from contextlib import ExitStack
from pathlib import Path

from llmtrain_trainer.data.documents import row_groups
from llmtrain_trainer.errors import Interrupted
from llmtrain_trainer.stage import StageContext
from llmtrain_trainer.tokenizer.encode import EncodingTask, encode_in_order
from llmtrain_trainer.tokenizer.pretrained import end_of_text_id
from llmtrain_trainer.tokens.writer import TokenFileWriter

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
        Interrupted: told to stop.
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
        for number, encoding in enumerate(encode_in_order(tasks)):
            if context.stop.is_set():
                raise Interrupted("stopped while writing tokens; they will be written anew")
            split, _ = groups[number]
            writers[split].write(encoding.tokens, encoding.num_tokens, encoding.num_bytes)
            context.progress.update(
                percent=from_percent + (100 - from_percent) * (number + 1) / len(groups),
                activity=f"writing tokens (part {number + 1} of {len(groups)})",
            )
