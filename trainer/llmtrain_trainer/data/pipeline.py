"""Applies corpus steps to documents: first per document in workers, then across documents."""

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

from llmtrain_api.data_report import Size
from llmtrain_api.histogram import Histogram
from llmtrain_api.spec.data import Data
from llmtrain_trainer.data.contamination.counts import Counts
from llmtrain_trainer.data.contamination.decontamination import STEP, Decontamination
from llmtrain_trainer.data.documents import BLANK_KEY, Document, document_key, is_blank
from llmtrain_trainer.data.groups import SCRIPT, Groups, count_groups
from llmtrain_trainer.data.readers.rows import BadRows
from llmtrain_trainer.data.report import StepCounter, Tally, num_bytes
from llmtrain_trainer.data.scripts import main_script
from llmtrain_trainer.data.sources.shards import SourceShard
from llmtrain_trainer.data.steps.base import (
    NO_TEXT,
    CorpusStep,
    DocumentStep,
    Dropped,
    Judged,
    TextFunction,
    TextOutcome,
)
from llmtrain_trainer.data.steps.registry import document_steps

_BATCH_BYTES = 4 * 2**20
_BATCH_DOCUMENTS = 4096


@dataclass(frozen=True)
class DocumentBatch:
    """Documents of one shard, with counts of the dropped ones too."""

    origin: str
    """The shard's source: a file's path."""
    documents: tuple[Document, ...]
    tally: Tally


def work_on_shard(
    work: SourceShard, data: Data, decontamination: Decontamination | None = None
) -> Iterator[DocumentBatch]:
    """Read a shard and apply the steps that look at one document, a few MB at a time.

    Args:
        work: the shard.
        data: the manifest's section.
        decontamination: the search for evaluation questions, after the steps.

    Raises:
        UserError: what the shard reads is not what it should be.
    """
    bad_rows = BadRows(data.sources[work.number].max_bad_rows)
    steps = document_steps(data.steps, is_html=work.shard.is_html)
    applied = {name: _Applied(_prepared(step), step) for name, step in steps.items()}
    batch = _OpenBatch(work, applied, decontamination, bad_rows)
    for text in work.shard.documents(bad_rows):
        batch.add(_without_lone_surrogates(text))
        if batch.is_full:
            yield batch.close()
            batch = _OpenBatch(work, applied, decontamination, bad_rows)
    yield batch.close()


@cache
def _prepared(step: DocumentStep[Any]) -> TextFunction:
    """A step's function, made once in each process: workers take many shards."""
    return step.prepare()


@dataclass(frozen=True)
class Drop:
    """A document that a step dropped after it compared documents."""

    step: str
    """The step's name in the data report."""
    dropped: Dropped


class CorpusSteps:
    """Applies steps that compare documents by their keys, to one document after the other.

    Args:
        steps: the steps, by their names in the data report.
    """

    def __init__(self, steps: Mapping[str, CorpusStep[Any]]) -> None:
        self._functions = {name: step.prepare() for name, step in steps.items()}

    def apply(self, keys: Sequence[bytes]) -> list[Drop | None]:
        """The outcome for each of the next documents: None where it stays.

        Args:
            keys: their keys. Documents with the same key must all be given to the same object.
        """
        outcomes: list[Drop | None] = [None] * len(keys)
        places = list(range(len(keys)))
        for name, function in self._functions.items():
            kept = []
            for place, outcome in zip(places, function([keys[n] for n in places]), strict=True):
                after = Dropped(NO_TEXT) if keys[place] == BLANK_KEY else outcome
                if isinstance(after, Dropped):
                    outcomes[place] = Drop(name, after)
                else:
                    kept.append(place)
            places = kept
        return outcomes


@dataclass(frozen=True)
class _Applied:
    """A step in this process."""

    function: TextFunction
    step: DocumentStep[Any]


class _OpenBatch:
    def __init__(
        self,
        work: SourceShard,
        applied: Mapping[str, _Applied],
        decontamination: Decontamination | None,
        bad_rows: BadRows,
    ) -> None:
        self._work = work
        self._applied = applied
        self._decontamination = decontamination
        self._bad_rows = bad_rows
        self._lengths: list[int] = []
        """Bytes of each text as it was read."""
        self._read_bytes = 0
        self._labels: defaultdict[str, dict[int, str]] = defaultdict(dict)
        """Labels that steps gave to the texts at some places, by the names of the steps."""
        self._texts: list[str] = []

    @property
    def is_full(self) -> bool:
        return self._read_bytes >= _BATCH_BYTES or len(self._texts) >= _BATCH_DOCUMENTS

    def add(self, text: str) -> None:
        length = num_bytes(text)
        self._lengths.append(length)
        self._read_bytes += length
        self._texts.append(text)

    def close(self) -> DocumentBatch:
        """Apply the steps."""
        kept = list(range(len(self._texts)))
        reports = []
        for name, applied in self._applied.items():
            counter = StepCounter(name, applied.step.placeholders, applied.step.score_width)
            kept = self._apply(applied.function, kept, counter)
            reports.append(counter.report())
        contamination: Counts = {}
        if self._decontamination is not None:
            counter = StepCounter(STEP)
            kept, contamination = self._decontaminate(self._decontamination, kept, counter)
            reports.append(counter.report())
        texts = self._texts
        groups = [self._groups(place) for place in range(len(texts))]
        num_bad_rows, bad_rows, skipped = self._bad_rows.drain()
        origin = self._work.shard.source
        return DocumentBatch(
            origin=origin,
            documents=tuple(
                Document(texts[i], document_key(texts[i]), self._work.number, groups[i])
                for i in kept
            ),
            tally=Tally(
                read={origin: Size(documents=len(self._texts), bytes=self._read_bytes)},
                num_bad_rows=num_bad_rows,
                bad_rows=bad_rows,
                skipped=skipped,
                lengths=Histogram.doubling(self._lengths),
                groups=count_groups(received=groups, passed=(groups[i] for i in kept)),
                steps=tuple(reports),
                contamination=dict(contamination),
            ),
        )

    def _groups(self, place: int) -> Groups:
        labels = ((step, those[place]) for step, those in self._labels.items() if place in those)
        return (SCRIPT, main_script(self._texts[place])), *labels

    def _apply(self, function: TextFunction, places: list[int], counter: StepCounter) -> list[int]:
        """Apply one step to the documents at these places; the places of those that stay.

        The text of a document that is dropped stays as it came to the step.
        """
        return self._take(function([self._texts[place] for place in places]), places, counter)

    def _decontaminate(
        self, decontamination: Decontamination, places: list[int], counter: StepCounter
    ) -> tuple[list[int], Counts]:
        """The places of documents that stay, and evaluation questions in the documents."""
        texts = [self._texts[place] for place in places]
        outcomes, found = decontamination.apply(self._work.shard.source, texts)
        return self._take(outcomes, places, counter), found

    def _take(
        self, outcomes: Sequence[TextOutcome], places: list[int], counter: StepCounter
    ) -> list[int]:
        kept = []
        for place, found in zip(places, outcomes, strict=True):
            if isinstance(found, Judged):
                counter.score(found.score)
                self._labels[counter.name][place] = found.label
            outcome = found.outcome if isinstance(found, Judged) else found
            is_text = isinstance(outcome, Dropped) or not is_blank(outcome)
            after = outcome if is_text else Dropped(NO_TEXT)
            counter.count(self._work.shard.source, self._texts[place], after)
            if not isinstance(after, Dropped):
                self._texts[place] = after
                kept.append(place)
        return kept


def _without_lone_surrogates(text: str) -> str:
    r"""Replace half surrogate pairs (JSON's `"\ud83d"`), which no Unicode text can hold."""
    try:
        text.encode()
    except UnicodeEncodeError:
        return text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
    return text
