"""The held-out text that models are measured on."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import chain

import numpy as np
from numpy.typing import NDArray
from transformers import PreTrainedTokenizerBase

from llmtrain_api.progress import bounded_warnings
from llmtrain_api.spec.data import Data
from llmtrain_trainer.control_tokens import TextTokenizer, end_of_text_id
from llmtrain_trainer.data.comparison import kept_documents, step_files
from llmtrain_trainer.data.documents import Document, row_groups
from llmtrain_trainer.data.pipeline import work_on_shard
from llmtrain_trainer.data.source_counter import SourceCounter
from llmtrain_trainer.data.sources.shards import shards
from llmtrain_trainer.data.steps.registry import comparing_steps, reasons
from llmtrain_trainer.data.warnings import source_warnings
from llmtrain_trainer.errors import UserError
from llmtrain_trainer.stage import StageContext


def held_out_texts(context: StageContext) -> list[str]:
    """The validation documents of the job's data, or all of `evaluate.data`.

    Raises:
        UserError: there is no such text.
    """
    config = context.config
    if config.data is not None:
        folder = context.workspace.documents / "validation"
        texts = [text for group in row_groups(folder) for text in group.texts()]
        if not texts:
            raise UserError(f"{folder}: no held-out documents; run the data stage first")
        return texts
    if config.evaluate is None or config.evaluate.data is None:
        raise UserError(
            "evaluate: there is no text to measure on; add data or evaluate.data, or set "
            "evaluate.bitsPerByte: false and remove the task heldOutDocs"
        )
    texts = _read(config.evaluate.data, context)
    if not texts:
        raise UserError(
            "evaluate.data: no document is left after cleaning and filtering; relax "
            "evaluate.data.steps, or add text"
        )
    return texts


def _read(data: Data, context: StageContext) -> list[str]:
    steps = comparing_steps(data.steps)
    files = step_files(steps, context)
    documents: list[Document] = []
    counters = [SourceCounter(source) for source in data.sources]
    for shard in shards(data.sources, context):
        for batch in work_on_shard(shard, data):
            counters[shard.number].take(batch.tally)
            documents += batch.documents
    why = reasons(data.steps)
    lost = (warning for each in counters for warning in source_warnings(each.report(), why))
    context.progress.update(warnings=bounded_warnings(f"evaluate.data: {each}" for each in lost))
    return [each.text for each in kept_documents(documents, steps, files)]


@dataclass(frozen=True)
class TokenStream:
    """Documents as one stream of tokens, each closed by the end-of-text token."""

    tokens: NDArray[np.int64]
    """Shape (num_tokens,)."""
    ends_document: NDArray[np.bool_]
    """Shape (num_tokens,): whether the token is an end of text, and so stands for no text."""
    document_starts: NDArray[np.int64]
    """Shape (num_documents,)."""
    document_bytes: NDArray[np.int64]
    """Shape (num_documents,): bytes of UTF-8 text."""
    start_id: int
    """Comes before the first token, as an end of text comes before all other documents."""


def token_stream(tokenizer: PreTrainedTokenizerBase, texts: Sequence[str]) -> TokenStream:
    """Texts as a model's own tokenizer writes them, in the same way as the token files.

    Raises:
        UserError: the tokenizer has no end-of-text token.
    """
    end_id = end_of_text_id(tokenizer)
    encoder = TextTokenizer(tokenizer.backend_tokenizer.to_str())
    ids = [[*document, end_id] for document in encoder.encode_ids(texts)]
    lengths = np.array([len(document) for document in ids], dtype=np.int64)
    ends = np.cumsum(lengths)
    tokens = np.fromiter(chain.from_iterable(ids), dtype=np.int64)
    ends_document = np.zeros(len(tokens), dtype=np.bool_)
    ends_document[ends - 1] = True
    return TokenStream(
        tokens=tokens,
        ends_document=ends_document,
        document_starts=ends - lengths,
        document_bytes=np.array([len(text.encode()) for text in texts], dtype=np.int64),
        start_id=end_id,
    )
