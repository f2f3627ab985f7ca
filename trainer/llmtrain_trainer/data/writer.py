"""Merges the batches of all workers: corpus-wide steps, split, files and report."""

from collections import defaultdict
from contextlib import ExitStack
from pathlib import Path
from types import TracebackType
from typing import Self

from llmtrain_api.data_report import DataReport, Size, StepReport
from llmtrain_api.spec.data import Data
from llmtrain_trainer.data.documents import Document, DocumentWriter, is_held_out
from llmtrain_trainer.data.pipeline import CorpusSteps, DocumentBatch
from llmtrain_trainer.data.report import merge
from llmtrain_trainer.data.source_counter import SourceCounter
from llmtrain_trainer.data.steps.registry import corpus_steps, document_steps


class CorpusWriter:
    """Takes batches in order and writes the documents that stay; a context manager.

    Args:
        folder: where `train/` and `validation/` are made.
        data: the manifest's section.
        holds_html: whether some shard holds nothing but HTML.
    """

    def __init__(self, folder: Path, data: Data, *, holds_html: bool) -> None:
        self._validation_fraction = data.validation_fraction
        self._corpus_steps = CorpusSteps(data.steps)
        self._sources: dict[str, Size] = defaultdict(Size)
        self._by_source = [SourceCounter(source) for source in data.sources]
        names = [*document_steps(data.steps, is_html=holds_html), *corpus_steps(data.steps)]
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
        documents, comparisons = self._corpus_steps.apply(batch)
        self._by_source[batch.number].take(batch, comparisons)
        self._sources[batch.source] += batch.read
        for step in (*batch.steps, *comparisons):
            self._steps[step.name] = merge(self._steps[step.name], step)
        for document in documents:
            if self._held_back is None:
                self._held_back = (batch.source, document)
            else:
                self._write(document, batch.source, held_out=self._is_held_out(document))

    def report(self) -> DataReport:
        """The data report; complete once the writer is closed."""
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

    def _is_held_out(self, document: Document) -> bool:
        return is_held_out(document.key, self._validation_fraction)

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
