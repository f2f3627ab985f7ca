"""Writes the tokenizer report."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from transformers import AutoTokenizer

from llmtrain_api.data_report import Size
from llmtrain_api.spec.data import Source
from llmtrain_api.spec.tokenizer import Tokenizer
from llmtrain_api.tokenizer_report import SourceTokens, TokenizerReport
from llmtrain_trainer.control_tokens import TextTokenizer
from llmtrain_trainer.data.documents import document_files
from llmtrain_trainer.data.source_counter import source_name
from llmtrain_trainer.stage import StageContext
from llmtrain_trainer.tokenizer.encode import EncodedUnit, TokenUnit
from llmtrain_trainer.tokenizer.measure import HELD_OUT_BYTES, measure
from llmtrain_trainer.tokenizer.pretrained import load_pretrained
from llmtrain_trainer.tokenizer.sample import sampled_groups

_UNKNOWN_SOURCE = "unknown"


@dataclass(frozen=True)
class Compared:
    """Another tokenizer, to which the job's own is compared."""

    name: str
    vocabulary_size: int
    tokenizer: TextTokenizer


def load_compared(section: Tokenizer, context: StageContext) -> Compared | None:
    """The tokenizer that the manifest names for a comparison; None where it names none.

    Raises:
        UserError: it cannot be loaded.
    """
    if section.compare_with is None:
        return None
    inputs = Path(context.config.inputs)
    loaded = load_pretrained(section.compare_with, field="tokenizer.compareWith", inputs=inputs)
    backend = loaded.backend_tokenizer.to_str()
    return Compared(section.compare_with, len(loaded), TextTokenizer(backend))


def write_report(
    folder: Path,
    context: StageContext,
    *,
    written: Sequence[tuple[TokenUnit, EncodedUnit]],
    samples: Mapping[int | None, Size] | None,
    compared: Compared | None,
) -> None:
    """Measure compression, and write the report into the folder of the token files.

    Args:
        folder: the token files'.
        context: its workspace has the tokenizer and the documents.
        written: units of the token files, with their reports.
        samples: documents that the vocabulary was learned from, by source; None where it was not
            learned.
        compared: another tokenizer to measure as well.
    """
    data = context.config.data
    assert data is not None, "there are documents"
    context.progress.update(activity="measuring the tokenizer")
    tokenizer = AutoTokenizer.from_pretrained(context.workspace.tokenizer, trust_remote_code=False)
    held_out = document_files(context.workspace.documents / "validation")
    measured = measure(
        sampled_groups(held_out, HELD_OUT_BYTES, source_exponent=1),
        TextTokenizer(tokenizer.backend_tokenizer.to_str()),
        compared.tokenizer if compared else None,
        lambda source: _name(source, data.sources),
    )
    report = TokenizerReport(
        vocabulary_size=len(tokenizer),
        sources=_sources(written, samples, data.sources),
        compared_with=compared.name if compared else None,
        compared_vocabulary_size=compared.vocabulary_size if compared else None,
        total=measured.total,
        by_source=measured.by_source,
        by_script=measured.by_script,
    )
    target = folder / context.workspace.tokenizer_report.name
    target.write_text(report.model_dump_json(indent=2) + "\n", encoding="utf-8")


def _sources(
    written: Sequence[tuple[TokenUnit, EncodedUnit]],
    samples: Mapping[int | None, Size] | None,
    sources: Sequence[Source],
) -> tuple[SourceTokens, ...]:
    found: dict[int | None, SourceTokens] = {}
    for unit, report in written:
        before = found.get(unit.source)
        if before is None:
            sample = None if samples is None else samples.get(unit.source, Size())
            before = SourceTokens(name=_name(unit.source, sources), sample=sample)
        shard = report.shard
        text = Size(documents=shard.num_documents, bytes=shard.num_bytes)
        if unit.split == "train":
            found[unit.source] = before.replace(
                train=before.train + text, train_tokens=before.train_tokens + shard.num_tokens
            )
        else:
            found[unit.source] = before.replace(
                validation=before.validation + text,
                validation_tokens=before.validation_tokens + shard.num_tokens,
            )
    order = sorted(found, key=lambda source: len(sources) if source is None else source)
    return tuple(found[source] for source in order)


def _name(source: int | None, sources: Sequence[Source]) -> str:
    """The name of a source of the manifest, as in the data report."""
    return _UNKNOWN_SOURCE if source is None else source_name(sources[source])
