"""The mixture of sources: the share of each as asked for and as it came."""

from dataclasses import dataclass

from llmtrain_api.spec.data import Data
from llmtrain_api.tokenizer_report import SourceTokens
from llmtrain_cli.report.reading import Unavailable
from llmtrain_cli.report.sources import Sources
from llmtrain_planner.stage_plan import count_sequences


@dataclass(frozen=True)
class MixtureRow:
    """A source of the manifest in a training stage."""

    source: str
    asked: str
    """Share of its weight."""
    came: str
    """Share of the tokens trained on."""
    tokens: str
    """Tokens trained on, repeated ones included."""
    epochs: str
    """Number of times that training went through its tokens, and the most allowed."""


def mixtures(sources: Sources) -> dict[str, tuple[MixtureRow, ...] | Unavailable]:
    """The mixture of each stage that mixed sources by weights, up to its newest step."""
    if isinstance(sources.run, Unavailable) or sources.run.job.spec.data is None:
        return {}
    data = sources.run.job.spec.data
    found: dict[str, tuple[MixtureRow, ...] | Unavailable] = {}
    for stage, training in sources.run.job.spec.trainings.items():
        records = sources.steps[stage]
        counted = (
            []
            if isinstance(records, Unavailable)
            else [each.source_tokens for each in records if each.source_tokens is not None]
        )
        if counted:
            found[stage.value] = (
                sources.tokenizer
                if isinstance(sources.tokenizer, Unavailable)
                else _rows(data, sources.tokenizer.sources, counted[-1], training.sequence_length)
            )
    return found


def _rows(
    data: Data,
    known: tuple[SourceTokens, ...],
    counts: tuple[int, ...],
    sequence_length: int,
) -> tuple[MixtureRow, ...] | Unavailable:
    if not len(data.sources) == len(known) == len(counts):
        return Unavailable("the steps are of other sources than the manifest or the tokens")
    weights = [source.weight or 0 for source in data.sources]
    rows = []
    for source, tokens, count, weight in zip(data.sources, known, counts, weights, strict=True):
        epoch = count_sequences(tokens.train_tokens, sequence_length) * sequence_length
        most = "" if source.max_epochs is None else f" of {source.max_epochs:g}"
        rows.append(
            MixtureRow(
                source=tokens.name,
                asked=f"{weight / sum(weights):.2%}" if any(weights) else "",
                came=f"{count / max(1, sum(counts)):.2%}",
                tokens=f"{count:,}",
                epochs=f"{count / epoch:.2f}{most}" if epoch else "",
            )
        )
    return tuple(rows)
