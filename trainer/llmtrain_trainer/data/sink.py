"""Where the batches come together: deduplication, the split, the files, the report."""

from collections import defaultdict
from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path
from types import TracebackType
from typing import Self

from llmtrain_api.data_report import Amount, DataReport, StepReport
from llmtrain_api.spec.data import Data
from llmtrain_trainer.data.dedup import SeenDocuments
from llmtrain_trainer.data.documents import DocumentWriter
from llmtrain_trainer.data.report import StepCounter, merge
from llmtrain_trainer.data.source_counter import SourceCounter
from llmtrain_trainer.data.split import is_held_out
from llmtrain_trainer.data.step import Dropped
from llmtrain_trainer.data.work import Document, DocumentBatch

_DEDUP = "dedup.exact"


class Sink:
    """Takes batches in order and writes the documents that stay; a context manager.

    Args:
        folder: where `train/` and `validation/` are made.
        data: the manifest's section.
        step_names: the steps that came before, in order.
    """

    def __init__(self, folder: Path, data: Data, step_names: Sequence[str]) -> None:
        self._data = data
        self._seen = SeenDocuments()
        self._sources: dict[str, Amount] = defaultdict(Amount)
        self._by_source = [SourceCounter(source) for source in data.sources]
        names = [*step_names, _DEDUP] if data.dedup.exact else step_names
        self._steps = {name: StepReport(name=name) for name in names}
        self._held_back: tuple[str, Document] | None = None
        self._files = ExitStack()
        self._train = self._files.enter_context(DocumentWriter(folder / "train"))
        self._validation = self._files.enter_context(DocumentWriter(folder / "validation"))

    def take(self, batch: DocumentBatch) -> None:
        """Take the next batch.

        Raises:
            UserError: a source has more bad rows than it may have.
        """
        self._by_source[batch.number].take(batch)
        self._sources[batch.source] += batch.read
        for step in batch.steps:
            self._steps[step.name] = merge(self._steps[step.name], step)
        for document in self._new_documents(batch):
            if self._held_back is None:
                self._held_back = (batch.source, document)
            else:
                self._write(document, batch.source, held_out=self._is_held_out(document))

    def report(self) -> DataReport:
        """What became of all documents; complete once the sink is closed."""
        return DataReport(
            sources=dict(self._sources),
            by_source=tuple(counter.report() for counter in self._by_source),
            steps=tuple(self._steps.values()),
            train=self._train.written,
            validation=self._validation.written,
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        if kind is None:
            self._write_held_back()
        self._files.__exit__(kind, error, traceback)

    def _new_documents(self, batch: DocumentBatch) -> list[Document]:
        if not self._data.dedup.exact:
            return list(batch.documents)
        counter = StepCounter(_DEDUP)
        new = []
        for document in batch.documents:
            if self._seen.add(document.key):
                new.append(document)
                counter.count(batch.source, document.text, document.text)
            else:
                counter.count(batch.source, document.text, Dropped("repeated"))
        repeated = counter.report()
        self._steps[_DEDUP] = merge(self._steps[_DEDUP], repeated)
        self._by_source[batch.number].take_step(repeated)
        return new

    def _is_held_out(self, document: Document) -> bool:
        return is_held_out(document.key, self._data.validation_fraction)

    def _write_held_back(self) -> None:
        """Write the first document last: where one side stayed empty, it goes there.

        So two documents are enough for both sides, whatever their hashes.
        """
        if self._held_back is None:
            return
        source, document = self._held_back
        if not self._train.written.documents:
            held_out = False
        elif not self._validation.written.documents:
            held_out = True
        else:
            held_out = self._is_held_out(document)
        self._write(document, source, held_out=held_out)

    def _write(self, document: Document, source: str, *, held_out: bool) -> None:
        writer = self._validation if held_out else self._train
        writer.write(document.text, source)
