"""What a worker does with a unit: read its documents, clean them, drop poor ones."""

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from llmtrain_api.data_report import Amount, StepReport
from llmtrain_api.spec.data import Data
from llmtrain_trainer.data.bad_rows import BadRows
from llmtrain_trainer.data.clean import cleaners
from llmtrain_trainer.data.dedup import document_key
from llmtrain_trainer.data.quality import filters
from llmtrain_trainer.data.report import StepCounter, amount
from llmtrain_trainer.data.scripts import main_script
from llmtrain_trainer.data.sources.unit import SourceUnit
from llmtrain_trainer.data.step import Dropped, Step

_BATCH_BYTES = 4 * 2**20
_BATCH_DOCUMENTS = 4096


@dataclass(frozen=True)
class Document:
    """A document that every step of the worker let pass."""

    text: str
    key: bytes
    """Hash of the text, for deduplication and for the split."""
    script: str
    """The writing system of most of its letters, such as Latin or Han."""


@dataclass(frozen=True)
class DocumentBatch:
    """Some documents of one unit, and what became of those that are not there any more."""

    number: int
    """Position of the source in the manifest."""
    source: str
    read: Amount
    num_bad_rows: int
    bad_rows: tuple[str, ...]
    """What was wrong with some of them."""
    unit_size: int
    """The size of the unit where this is its last batch, else 0."""
    documents: tuple[Document, ...]
    scripts_in: dict[str, int]
    """Documents by script, those that were dropped included."""
    steps: tuple[StepReport, ...]


def steps_of(data: Data, *, is_html: bool) -> list[Step]:
    """The steps that need nothing but the document itself.

    Args:
        data: the manifest's section.
        is_html: whether all documents are HTML.
    """
    return [*cleaners(data.clean, is_html=is_html), *filters(data.filter)]


def work_on_unit(work: SourceUnit, data: Data) -> Iterator[DocumentBatch]:
    """Read a unit and apply the steps, a few MB at a time.

    Raises:
        UserError: what the unit reads is not what it should be.
    """
    bad_rows = BadRows(data.sources[work.number].max_bad_rows)
    steps = steps_of(data, is_html=work.unit.is_html)
    batch = _OpenBatch(work, steps, bad_rows)
    for text in work.unit.documents(bad_rows):
        batch.add(_without_lone_surrogates(text))
        if batch.is_full:
            yield batch.close()
            batch = _OpenBatch(work, steps, bad_rows)
    yield batch.close(unit_size=work.unit.size)


class _OpenBatch:
    def __init__(self, work: SourceUnit, steps: Sequence[Step], bad_rows: BadRows) -> None:
        self._work = work
        self._source = work.unit.source
        self._steps = steps
        self._bad_rows = bad_rows
        self._counters = [StepCounter(step.name) for step in steps]
        self._read = Amount()
        self._documents: list[Document] = []
        self._scripts_in: Counter[str] = Counter()

    @property
    def is_full(self) -> bool:
        return self._read.bytes >= _BATCH_BYTES or self._read.documents >= _BATCH_DOCUMENTS

    def add(self, text: str) -> None:
        self._read += amount(text)
        for step, counter in zip(self._steps, self._counters, strict=True):
            after = step.apply(text)
            counter.count(self._source, text, after)
            if isinstance(after, Dropped):
                self._scripts_in[main_script(text)] += 1
                return
            text = after
        script = main_script(text)
        self._scripts_in[script] += 1
        self._documents.append(Document(text, document_key(text), script))

    def close(self, unit_size: int = 0) -> DocumentBatch:
        num_bad_rows, bad_rows = self._bad_rows.drain()
        return DocumentBatch(
            number=self._work.number,
            source=self._source,
            read=self._read,
            num_bad_rows=num_bad_rows,
            bad_rows=bad_rows,
            unit_size=unit_size,
            documents=tuple(self._documents),
            scripts_in=dict(self._scripts_in),
            steps=tuple(counter.report() for counter in self._counters),
        )


def _without_lone_surrogates(text: str) -> str:
    r"""Replace half surrogate pairs (JSON's `"\ud83d"`), which no Unicode text can hold."""
    try:
        text.encode()
    except UnicodeEncodeError:
        return text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
    return text
