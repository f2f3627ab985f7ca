"""Packs conversations into sequences, before the workers of fine-tuning start."""

import json
import logging
from collections.abc import Iterable, Iterator, Sequence
from contextlib import ExitStack
from pathlib import Path

from transformers import PreTrainedTokenizerBase

from llmtrain_api.progress import bounded_warnings
from llmtrain_api.run_config import RunConfig
from llmtrain_api.spec.finetune import Finetune
from llmtrain_api.workspace import Workspace
from llmtrain_trainer.completion import fingerprint
from llmtrain_trainer.conversations.conversation import Conversation
from llmtrain_trainer.conversations.encode import ChatEncoder, Encoded
from llmtrain_trainer.conversations.template import ensure_chat_template, template_warning
from llmtrain_trainer.data.readers.rows import BadRows
from llmtrain_trainer.finetune.decontamination import ConversationSearch
from llmtrain_trainer.finetune.packed.sequences import PackedSequences
from llmtrain_trainer.finetune.packed.writer import PackedWriter
from llmtrain_trainer.finetune.sides import Sides, Spool
from llmtrain_trainer.finetune.sources.registry import (
    ConversationSource,
    conversation_sources,
    in_batches,
)
from llmtrain_trainer.models.config import require_context, require_vocabulary
from llmtrain_trainer.models.pipeline import base_model
from llmtrain_trainer.models.stored import stored_config
from llmtrain_trainer.models.tokenizer import load_tokenizer
from llmtrain_trainer.runner import Product, StageResult, asked_questions
from llmtrain_trainer.stage import StageContext
from llmtrain_trainer.training.behaviour import require_trainable

TRAIN, VALIDATION, TOKENIZER = "train", "validation", "tokenizer"
"""Folders of `Workspace.conversations`: packed sequences, and the tokenizer with its template."""

_WARNINGS = "warnings.json"
_log = logging.getLogger(__name__)


def conversations(context: StageContext) -> Product:
    """The packed sequences, and the tokenizer with its chat template.

    Raises:
        UserError: a conversation is broken, too few are left, or they do not suit the model.
        Interrupted: a stop was requested; nothing is left behind.
    """
    finetune = context.config.finetune
    assert finetune is not None, "the stage runs when its section is there"
    context.progress.update(percent=0, activity="preparing conversations")
    base = base_model(context.config)
    model = stored_config(base.folder)
    tokenizer = load_tokenizer(base.folder)
    if context.config.model is not None and context.config.model.init_from is not None:
        require_trainable(base.folder, model, packing=finetune.packing)
    require_vocabulary(model, len(tokenizer), where=str(base.folder))
    require_context(model, finetune.sequence_length, field="finetune.sequenceLength")
    ensure_chat_template(tokenizer)
    data = finetune.data
    sources = conversation_sources(data.sources, context)
    held_out = conversation_sources(data.validation_sources, context)
    questions = asked_questions(context, documents_are_there=True)
    inputs = fingerprint(
        [
            finetune.model_dump_json(include={"data", "sequence_length", "packing"}),
            tokenizer.backend_tokenizer.to_str(),
            str(tokenizer.chat_template),
            *(source.identity for source in (*sources, *held_out)),
            *questions.identity,
        ]
    )

    def make(folder: Path) -> None:
        search = ConversationSearch(questions)
        warnings = [
            *_write(folder, sources, held_out, tokenizer, finetune, search, context),
            *filter(None, [template_warning(tokenizer)]),
            *search.warnings(),
        ]
        report = folder / context.workspace.conversations_contamination.name
        report.write_text(search.report().model_dump_json(indent=2) + "\n", encoding="utf-8")
        tokenizer.save_pretrained(folder / TOKENIZER)
        (folder / _WARNINGS).write_text(json.dumps(warnings) + "\n", encoding="utf-8")

    return Product(context.workspace.conversations, make, inputs=lambda: inputs)


def conclude(context: StageContext) -> StageResult:
    """Give the warnings about the conversations, whether they were prepared now or before."""
    file = context.workspace.conversations / _WARNINGS
    warnings = json.loads(file.read_text(encoding="utf-8"))
    for warning in warnings:
        _log.warning("%s", warning)
    context.progress.update(warnings=bounded_warnings(warnings))
    return StageResult()


def _write(
    folder: Path,
    sources: Sequence[ConversationSource],
    held_out: Sequence[ConversationSource],
    tokenizer: PreTrainedTokenizerBase,
    finetune: Finetune,
    search: ConversationSearch,
    context: StageContext,
) -> list[str]:
    """Write both sides; returns warnings."""
    encoder = ChatEncoder(tokenizer)
    rows = [_Rows(source, f"sources[{number}]") for number, source in enumerate(sources)]
    held_out_rows = [
        _Rows(source, f"validationSources[{number}]") for number, source in enumerate(held_out)
    ]
    with ExitStack() as files:
        train, validation = (
            files.enter_context(
                PackedWriter(
                    folder / name,
                    sequence_length=finetune.sequence_length,
                    packing=finetune.packing,
                    padding_id=_padding_id(tokenizer),
                )
            )
            for name in (TRAIN, VALIDATION)
        )
        sides = Sides(train, validation)
        if held_out_rows:
            for conversation, encoded in _encoded(held_out_rows, encoder, context):
                sides.hold_out(conversation, encoded)
            for conversation, encoded in _encoded(rows, encoder, context, search):
                sides.train(conversation, encoded)
        else:
            spool = files.enter_context(Spool(folder / "spool"))
            for conversation, encoded in _encoded(rows, encoder, context, search):
                sides.keep(conversation, encoded, spool)
            sides.share_out(spool, finetune.data.validation_fraction)
        warnings = sides.close()
    for name in (TRAIN, VALIDATION):
        _log_index(folder / name, name)
    return [*warnings, *(each.warning for each in (*rows, *held_out_rows) if each.bad.count)]


class _Rows:
    """The conversations of one source, its bad rows counted.

    Args:
        source: source to read.
        name: name of its field in finetune.data.
    """

    def __init__(self, source: ConversationSource, name: str) -> None:
        self._source, self._name = source, name
        self.bad = BadRows(source.max_bad_rows)

    def __iter__(self) -> Iterator[Conversation]:
        return self._source.conversations(self.bad)

    @property
    def warning(self) -> str:
        """A warning with the number of skipped rows and the error of the first."""
        examples = "; ".join(self.bad.examples)
        return f"finetune.data.{self._name}: {self.bad.count} rows were skipped: {examples}"


def _encoded(
    rows: Iterable[_Rows],
    encoder: ChatEncoder,
    context: StageContext,
    search: ConversationSearch | None = None,
) -> Iterator[tuple[Conversation, Encoded]]:
    """Conversations with their tokens, without those that the search takes out."""
    for some in in_batches(rows, context, "preparing conversations"):
        kept = search.kept(some) if search else some
        yield from zip(kept, encoder.encode(kept), strict=True)


def num_positions(config: RunConfig) -> int:
    """Positions of the training sequences in one epoch, padding included."""
    samples = PackedSequences.open(Workspace(Path(config.workspace)).conversations / TRAIN)
    return len(samples) * samples.index.sequence_length


def _padding_id(tokenizer: PreTrainedTokenizerBase) -> int:
    """Padding is never attended to and never a label, so any token will do."""
    known = (tokenizer.pad_token_id, tokenizer.eos_token_id, 0)
    return int(next(token for token in known if token is not None))


def _log_index(folder: Path, name: str) -> None:
    index = PackedSequences.open(folder).index
    full = index.num_positions / max(1, index.num_sequences * index.sequence_length)
    _log.info(
        "%s: %d conversations in %d sequences, %.1f%% full; %d were cut, %d left out since the "
        "answer lay beyond sequenceLength",
        name,
        index.num_conversations,
        index.num_sequences,
        100 * full,
        index.num_cut,
        index.num_without_answer,
    )
