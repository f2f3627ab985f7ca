"""Counts what becomes of the documents of each source, batch by batch."""

from collections import Counter
from collections.abc import Iterable

from llmtrain_api.data_report import ScriptReport, Size, SourceReport, StepReport
from llmtrain_api.spec.data import Source
from llmtrain_trainer.data.pipeline import DocumentBatch
from llmtrain_trainer.data.rows import BadRows

_PATHS_SHOWN = 3


class SourceCounter:
    """Counts for one source of the manifest.

    Args:
        source: the manifest's section.
    """

    def __init__(self, source: Source) -> None:
        self._name = source_name(source)
        self._bad_rows = BadRows(source.max_bad_rows)
        self._received = Size()
        self._dropped: Counter[str] = Counter()
        self._changed: Counter[str] = Counter()
        self._scripts_in: Counter[str] = Counter()
        self._scripts_kept: Counter[str] = Counter()

    def take(self, batch: DocumentBatch, comparisons: Iterable[StepReport] = ()) -> None:
        """Count a batch.

        Args:
            batch: what a worker made of some documents.
            comparisons: what the steps that compare documents did to it.

        Raises:
            UserError: the source has more bad rows than it may have.
        """
        if batch.num_bad_rows:
            self._bad_rows.add(batch.num_bad_rows, batch.bad_rows)
        self._received += batch.read
        self._scripts_in.update(batch.scripts_in)
        self._scripts_kept.update(document.script for document in batch.documents)
        for step in (*batch.steps, *comparisons):
            for rule, count in step.dropped_by_rule.items():
                self._dropped[f"{step.name} {rule}"] += count
            if step.changed_documents:
                self._changed[step.name] += step.changed_documents

    def report(self) -> SourceReport:
        """The counts so far."""
        scripts = {
            script: ScriptReport(received=count, kept=self._scripts_kept[script])
            for script, count in self._scripts_in.most_common()
        }
        return SourceReport(
            name=self._name,
            received=self._received,
            dropped_by_rule=dict(self._dropped.most_common()),
            changed_by_step=dict(self._changed),
            scripts=scripts,
            bad_rows=self._bad_rows.count,
            bad_row_examples=tuple(self._bad_rows.examples),
        )


def source_name(source: Source) -> str:
    """The name of a source, as in the manifest."""
    if source.files is not None:
        paths = ", ".join(source.files.paths[:_PATHS_SHOWN])
        more = ", ..." if len(source.files.paths) > _PATHS_SHOWN else ""
        return f"files {paths}{more} ({source.files.format})"
    if source.hugging_face is not None:
        return f"huggingFace {source.hugging_face.path}"
    return "pythonDocs"
