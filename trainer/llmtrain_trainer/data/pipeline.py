"""Applies corpus steps to documents: first per document in workers, then across documents."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

from llmtrain_api.data_report import Size, StepReport
from llmtrain_api.spec.data import Data
from llmtrain_api.spec.steps import Step
from llmtrain_trainer.data.documents import Document, document_key
from llmtrain_trainer.data.report import StepCounter, size_of
from llmtrain_trainer.data.rows import BadRows
from llmtrain_trainer.data.scripts import main_script
from llmtrain_trainer.data.sources.shards import SourceShard
from llmtrain_trainer.data.steps.base import NO_TEXT, DocumentStep, Dropped, TextFunction
from llmtrain_trainer.data.steps.registry import corpus_steps, document_steps

_BATCH_BYTES = 4 * 2**20
_BATCH_DOCUMENTS = 4096


@dataclass(frozen=True)
class DocumentBatch:
    """Documents of one shard, with a report on the dropped ones."""

    number: int
    """Position of the source in the manifest."""
    source: str
    read: Size
    num_bad_rows: int
    bad_rows: tuple[str, ...]
    """What was wrong with some of them."""
    shard_size: int
    """The size of the shard where this is its last batch, else 0."""
    documents: tuple[Document, ...]
    scripts_in: dict[str, int]
    """Documents by script, those that were dropped included."""
    steps: tuple[StepReport, ...]


def work_on_shard(work: SourceShard, data: Data) -> Iterator[DocumentBatch]:
    """Read a shard and apply the steps that look at one document, a few MB at a time.

    Raises:
        UserError: what the shard reads is not what it should be.
    """
    bad_rows = BadRows(data.sources[work.number].max_bad_rows)
    steps = document_steps(data.steps, is_html=work.shard.is_html)
    functions = {name: _prepared(step) for name, step in steps.items()}
    batch = _OpenBatch(work, functions, bad_rows)
    for text in work.shard.documents(bad_rows):
        batch.add(_without_lone_surrogates(text))
        if batch.is_full:
            yield batch.close()
            batch = _OpenBatch(work, functions, bad_rows)
    yield batch.close(shard_size=work.shard.size)


@cache
def _prepared(step: DocumentStep[Any]) -> TextFunction:
    """A step's function, made once in each process: workers take many shards."""
    return step.prepare()


class CorpusSteps:
    """Applies the steps that compare documents, to one batch after the other.

    Args:
        listed: the manifest's list.
    """

    def __init__(self, listed: Sequence[Step]) -> None:
        self._functions = {name: step.prepare() for name, step in corpus_steps(listed).items()}

    def apply(self, batch: DocumentBatch) -> tuple[list[Document], list[StepReport]]:
        """The documents of the next batch that stay, and what each step did."""
        documents = list(batch.documents)
        reports = []
        for name, function in self._functions.items():
            counter = StepCounter(name)
            kept = []
            for before, outcome in zip(documents, function(documents), strict=True):
                after = Dropped(NO_TEXT) if _is_blank(before.text) else outcome
                if isinstance(after, Dropped):
                    counter.count(batch.source, before.text, after)
                else:
                    counter.count(batch.source, before.text, after.text)
                    kept.append(after)
            documents = kept
            reports.append(counter.report())
        return documents, reports


class _OpenBatch:
    def __init__(
        self, work: SourceShard, functions: Mapping[str, TextFunction], bad_rows: BadRows
    ) -> None:
        self._work = work
        self._functions = functions
        self._bad_rows = bad_rows
        self._read = Size()
        self._texts: list[str] = []

    @property
    def is_full(self) -> bool:
        return self._read.bytes >= _BATCH_BYTES or self._read.documents >= _BATCH_DOCUMENTS

    def add(self, text: str) -> None:
        self._read += size_of(text)
        self._texts.append(text)

    def close(self, shard_size: int = 0) -> DocumentBatch:
        """Apply the steps."""
        kept = list(range(len(self._texts)))
        reports = []
        for name, function in self._functions.items():
            counter = StepCounter(name)
            kept = self._apply(function, kept, counter)
            reports.append(counter.report())
        texts = self._texts
        scripts = [main_script(text) for text in texts]
        num_bad_rows, bad_rows = self._bad_rows.drain()
        return DocumentBatch(
            number=self._work.number,
            source=self._work.shard.source,
            read=self._read,
            num_bad_rows=num_bad_rows,
            bad_rows=bad_rows,
            shard_size=shard_size,
            documents=tuple(Document(texts[i], document_key(texts[i]), scripts[i]) for i in kept),
            scripts_in=dict(Counter(scripts)),
            steps=tuple(reports),
        )

    def _apply(self, function: TextFunction, places: list[int], counter: StepCounter) -> list[int]:
        """Apply one step to the documents at these places; the places of those that stay.

        The text of a document that is dropped stays as it came to the step.
        """
        kept = []
        outcomes = function([self._texts[place] for place in places])
        for place, outcome in zip(places, outcomes, strict=True):
            is_text = isinstance(outcome, Dropped) or not _is_blank(outcome)
            after = outcome if is_text else Dropped(NO_TEXT)
            counter.count(self._work.shard.source, self._texts[place], after)
            if not isinstance(after, Dropped):
                self._texts[place] = after
                kept.append(place)
        return kept


def _is_blank(text: str) -> bool:
    return not text or text.isspace()


def _without_lone_surrogates(text: str) -> str:
    r"""Replace half surrogate pairs (JSON's `"\ud83d"`), which no Unicode text can hold."""
    try:
        text.encode()
    except UnicodeEncodeError:
        return text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
    return text
