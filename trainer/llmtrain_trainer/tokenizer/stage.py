"""The tokenizer stage: learns or loads the tokenizer, then writes the documents as tokens."""

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from llmtrain_api.spec.tokenizer import Tokenizer
from llmtrain_api.stages import Stage
from llmtrain_api.status import StageTokens
from llmtrain_trainer.completion import fingerprint, made_from
from llmtrain_trainer.data.documents import row_groups
from llmtrain_trainer.errors import Interrupted, UserError
from llmtrain_trainer.files import replaced_folder
from llmtrain_trainer.runner import Product, StageResult, runner_of
from llmtrain_trainer.software import software
from llmtrain_trainer.stage import StageContext
from llmtrain_trainer.tokenizer.learn import learn
from llmtrain_trainer.tokenizer.pretrained import load_pretrained
from llmtrain_trainer.tokenizer.write import tokenizer_sha256, write_token_files
from llmtrain_trainer.tokens.files import VERSION
from llmtrain_trainer.units import sweep

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerFast

_PERCENT_LEARNED = 50

CODE = ("tokenizer", "tokens", "control_tokens.py")
"""Our code that decides what tokens look like."""
LIBRARIES = ("numpy", "pydantic", "tokenizers", "transformers")
"""The libraries that it imports."""


def tokens(context: StageContext) -> Product | None:
    """The token files, and the tokenizer before them; None for a job without documents.

    Raises:
        UserError: there are no documents, or the tokenizer cannot be loaded, or not be learned
            from them.
        Interrupted: a stop was requested; finished units are left for the next attempt.
    """
    section = _section(context)
    if context.config.data is None:
        return None
    documents = context.workspace.documents
    if made_from(documents) is None:
        raise UserError(f"{documents}: no documents; run the data stage first")

    units = context.workspace.units(Stage.TOKENIZER)

    def make(folder: Path) -> None:
        _make_tokenizer(section, context)
        inputs = fingerprint([_fingerprint(section, context), software(CODE, LIBRARIES)])
        finished = sweep(units, inputs)
        write_token_files(folder, finished, context, from_percent=_PERCENT_LEARNED)

    return Product(
        context.workspace.tokens,
        make,
        inputs=lambda: _fingerprint(section, context),
        units=units,
    )


def conclude(context: StageContext) -> StageResult:
    """Check the tokenizer for later stages; a job without documents gets it here.

    Raises:
        UserError: the tokenizer cannot be loaded, or is not what a later stage needs.
        Interrupted: a stop was requested.
    """
    if context.config.data is None:
        _make_tokenizer(_section(context), context)
    later = {stage: runner_of(stage) for stage in context.config.stages}
    for runner in later.values():
        if runner.check_tokenizer:
            runner.check_tokenizer(context)
    context.progress.update(percent=100, activity="tokens are ready")
    counted = tuple(
        StageTokens(stage=stage, tokens=runner.count_tokens(context))
        for stage, runner in later.items()
        if runner.count_tokens
    )
    return StageResult(counted_tokens=counted)


def _section(context: StageContext) -> Tokenizer:
    section = context.config.tokenizer
    assert section is not None, "the stage runs when its section is there"
    return section


def _make_tokenizer(section: Tokenizer, context: StageContext) -> None:
    with replaced_folder(context.workspace.tokenizer) as folder:
        _obtain(section, context).save_pretrained(folder)


def _fingerprint(section: Tokenizer, context: StageContext) -> str:
    """Fingerprint of the token files' inputs, with the tokenizer in the workspace."""
    return fingerprint(
        [
            f"token files {VERSION}",
            section.model_dump_json(),
            made_from(context.workspace.documents) or "",
            tokenizer_sha256(context.input_path(section.pretrained)) if section.pretrained else "",
            tokenizer_sha256(context.workspace.tokenizer),
        ]
    )


def _obtain(section: Tokenizer, context: StageContext) -> "PreTrainedTokenizerFast":
    if section.vocabulary_size is None:
        context.progress.update(percent=0, activity="loading the tokenizer")
        return load_pretrained(str(section.pretrained), inputs=Path(context.config.inputs))
    return learn(section.algorithm, section.vocabulary_size, lambda: _train_texts(context))


def _train_texts(context: StageContext) -> Iterator[list[str]]:
    """The documents to learn from, with a sign of life for each part."""
    groups = row_groups(context.workspace.documents / "train")
    for number, group in enumerate(groups, start=1):
        if context.stop.is_set():
            raise Interrupted("stopped while learning the tokenizer; it will be learned anew")
        context.progress.update(
            percent=_PERCENT_LEARNED * number / (len(groups) + 1),
            activity=f"learning the tokenizer (part {number} of {len(groups)})",
        )
        yield group.texts()
