"""Counts what becomes of the documents of each source, batch by batch."""

from collections import Counter
from collections.abc import Iterable, Mapping

from llmtrain_api.data_report import GroupReport, Size, Skipped, SourceReport, StepReport
from llmtrain_api.histogram import Histogram
from llmtrain_api.spec.data import Source
from llmtrain_trainer.data.groups import SCRIPT, GroupCounts, add_groups
from llmtrain_trainer.data.readers.rows import BadRows, merge_skipped
from llmtrain_trainer.data.report import Tally

_PATHS_SHOWN = 3


class SourceCounter:
    """Counts for one source of the manifest.

    Args:
        source: the manifest's section.
    """

    def __init__(self, source: Source) -> None:
        self._name = source_name(source)
        self._bad_rows = BadRows(source.max_bad_rows)
        self._skipped: dict[str, Skipped] = {}
        self._received = Size()
        self._dropped: Counter[str] = Counter()
        self._changed: Counter[str] = Counter()
        self._lengths = Histogram()
        self._groups: GroupCounts = {}
        self._kept = Size()

    def take(self, tally: Tally) -> None:
        """Count what workers made of some documents.

        Raises:
            UserError: the source has more bad rows than it may have.
        """
        if tally.num_bad_rows:
            self._bad_rows.add(tally.num_bad_rows, tally.bad_rows)
        self._skipped = merge_skipped(self._skipped, tally.skipped)
        self._received = sum(tally.read.values(), self._received)
        self._lengths += tally.lengths
        self._groups = add_groups(self._groups, tally.groups)
        self.take_steps(tally.steps)

    def take_steps(self, steps: Iterable[StepReport]) -> None:
        """Count what steps did to some documents."""
        for step in steps:
            for rule, count in step.dropped_by_rule.items():
                self._dropped[f"{step.name} {rule}"] += count
            if step.changed_documents:
                self._changed[step.name] += step.changed_documents

    def take_kept(self, size: Size, groups: GroupCounts) -> None:
        """Count documents that all steps kept."""
        self._kept += size
        self._groups = add_groups(self._groups, groups)

    def report(self) -> SourceReport:
        """The counts so far."""
        return SourceReport(
            name=self._name,
            received=self._received,
            kept=self._kept,
            dropped_by_rule=dict(self._dropped.most_common()),
            changed_by_step=dict(self._changed),
            scripts=_most_first(self._groups.get(SCRIPT, {})),
            labels={
                kind: _most_first(groups) for kind, groups in self._groups.items() if kind != SCRIPT
            },
            lengths=self._lengths,
            bad_rows=self._bad_rows.count,
            bad_row_examples=tuple(self._bad_rows.examples),
            skipped=self._skipped,
        )


def _most_first(groups: Mapping[str, GroupReport]) -> dict[str, GroupReport]:
    return dict(sorted(groups.items(), key=lambda item: -item[1].received))


def source_name(source: Source) -> str:
    """The name of a source, as in the manifest."""
    if source.files is not None:
        paths = ", ".join(source.files.paths[:_PATHS_SHOWN])
        more = ", ..." if len(source.files.paths) > _PATHS_SHOWN else ""
        return f"files {paths}{more} ({source.files.format})"
    if source.hugging_face is not None:
        return f"huggingFace {source.hugging_face.path}"
    return "pythonDocs"
