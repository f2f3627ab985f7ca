"""The tokenizer stage: learns or loads the tokenizer, then writes the documents as tokens."""

import shutil
from collections.abc import Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from llmtrain_api.base import Record
from llmtrain_api.data_report import Size
from llmtrain_api.spec.tokenizer import Tokenizer, TokenizerSample
from llmtrain_api.stages import Stage
from llmtrain_api.status import StageTokens
from llmtrain_trainer.completion import fingerprint, made_from
from llmtrain_trainer.data.documents import document_files
from llmtrain_trainer.data.report import size_of
from llmtrain_trainer.errors import Interrupted, UserError
from llmtrain_trainer.files import replaced_folder
from llmtrain_trainer.runner import Product, StageResult, runner_of
from llmtrain_trainer.software import software
from llmtrain_trainer.stage import StageContext
from llmtrain_trainer.tokenizer.learn import learn
from llmtrain_trainer.tokenizer.pretrained import load_pretrained
from llmtrain_trainer.tokenizer.report import load_compared, write_report
from llmtrain_trainer.tokenizer.sample import SampledGroup, sampled_groups
from llmtrain_trainer.tokenizer.write import tokenizer_sha256, write_token_files
from llmtrain_trainer.tokens.files import VERSION
from llmtrain_trainer.units import committed, sweep

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerFast

_PERCENT_LEARNED = 50
_UNIT = "tokenizer"
_FILES = "files"

CODE = ("tokenizer", "tokens", "control_tokens.py")
"""Our code that decides what tokens look like."""
LIBRARIES = ("numpy", "pydantic", "tokenizers", "transformers")
"""The libraries that it imports."""


class MadeTokenizer(Record):
    """Report on the tokenizer."""

    samples: tuple[tuple[int | None, Size], ...] = ()
    """Documents that it was learned from, by the position of their source in the manifest."""


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
        compared = load_compared(section, context)
        inputs = fingerprint([*_inputs(section, context), software(CODE, LIBRARIES)])
        home = sweep(units, inputs)
        made = committed(home / _UNIT, partial(_make, section, context), MadeTokenizer)
        with replaced_folder(context.workspace.tokenizer) as target:
            shutil.copytree(home / _UNIT / _FILES, target, dirs_exist_ok=True)
        # Units of another tokenizer, of which the hub may have a new version, are no part of this.
        finished = home / f"tokens-{tokenizer_sha256(context.workspace.tokenizer)}"
        written = write_token_files(folder, finished, context, from_percent=_PERCENT_LEARNED)
        samples = dict(made.samples) if section.pretrained is None else None
        write_report(folder, context, written=written, samples=samples, compared=compared)

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
        with replaced_folder(context.workspace.tokenizer) as folder:
            _load(_section(context), context).save_pretrained(folder)
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


def _inputs(section: Tokenizer, context: StageContext) -> list[str]:
    return [
        f"token files {VERSION}",
        section.model_dump_json(exclude_none=True),
        made_from(context.workspace.documents) or "",
        tokenizer_sha256(context.input_path(section.pretrained)) if section.pretrained else "",
    ]


def _fingerprint(section: Tokenizer, context: StageContext) -> str:
    """Fingerprint of the token files' inputs, with the tokenizer in the workspace."""
    return fingerprint([*_inputs(section, context), tokenizer_sha256(context.workspace.tokenizer)])


def _make(section: Tokenizer, context: StageContext, folder: Path) -> MadeTokenizer:
    if section.vocabulary_size is None:
        _load(section, context).save_pretrained(folder / _FILES)
        return MadeTokenizer()
    sample = section.sample or TokenizerSample()
    files = document_files(context.workspace.documents / "train")
    originals = [file for file in files if not file.holds_copies]
    groups = sampled_groups(originals, sample.max_bytes, sample.source_exponent)
    sizes: dict[int | None, Size] = {}
    learned = learn(
        section.algorithm, section.vocabulary_size, lambda: _sample_texts(groups, sizes, context)
    )
    learned.save_pretrained(folder / _FILES)
    return MadeTokenizer(samples=tuple(sizes.items()))


def _load(section: Tokenizer, context: StageContext) -> "PreTrainedTokenizerFast":
    context.progress.update(percent=0, activity="loading the tokenizer")
    inputs = Path(context.config.inputs)
    return load_pretrained(str(section.pretrained), field="tokenizer.pretrained", inputs=inputs)


def _sample_texts(
    groups: Sequence[SampledGroup], sizes: dict[int | None, Size], context: StageContext
) -> Iterator[list[str]]:
    """The documents to learn from, with a sign of life for each part.

    Args:
        groups: the sample.
        sizes: is given the size of the sample by source.
        context: the stage's.
    """
    sizes.clear()
    for number, group in enumerate(groups, start=1):
        if context.stop.is_set():
            raise Interrupted("stopped while learning the tokenizer; it will be learned anew")
        context.progress.update(
            percent=_PERCENT_LEARNED * number / (len(groups) + 1),
            activity=f"learning the tokenizer (part {number} of {len(groups)})",
        )
        texts = group.texts()
        sizes[group.source] = sum(map(size_of, texts), sizes.get(group.source, Size()))
        yield texts
