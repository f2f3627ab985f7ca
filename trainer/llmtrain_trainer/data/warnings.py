"""Warns of what the data stage lost: most of a source, a script, rows, markup, a large cluster."""

from collections.abc import Iterator, Mapping

from llmtrain_api.data_report import DataReport, SourceReport, StepReport
from llmtrain_trainer.data.readers.warc import CUT_OFF

_MOST = 0.5
_NEARLY_ALL = 0.9
_LARGE_CLUSTER = 0.2
_FEW_DOCUMENTS = 10
"""Fewer documents than this in a script say nothing about it."""
_RULES_SHOWN = 3
_NO_LOSS = (
    " repeated",
    " nearRepeated",
    " keepTop",
    " keepHighest",
    " dropLowest",
    " dropHighest",
)
"""Rules that drop repetitions, or as many documents as the manifest says."""
_HTML_STEP = "html"
_HTML_FORMATS = ("(html)", "(warc)")


def warnings(report: DataReport, reasons: Mapping[str, str]) -> Iterator[str]:
    """Warnings about a corpus, one source after the other.

    Args:
        report: report on the whole corpus.
        reasons: descriptions of dropped documents, by step and rule.
    """
    for source in report.by_source:
        yield from source_warnings(source, reasons)
    for step in report.steps:
        yield from _large_clusters(step)
    for way in report.augmentation:
        if way.chosen.documents and not way.copies.documents:
            rules = ", ".join(f"{rule} {count:,}" for rule, count in way.left_by_rule.items())
            yield (
                f"data.augment: {way.name} made no copy of {way.chosen.documents:,} documents "
                f"({rules}); remove it, or choose another way for this text"
            )


def source_warnings(source: SourceReport, reasons: Mapping[str, str]) -> Iterator[str]:
    """Warnings about one source."""
    yield from _bad_rows(source)
    yield from _cut_off(source)
    if source.received.documents:
        yield from _dropped(source, reasons)
        yield from _scripts(source)
        yield from _html(source)
    else:
        yield f"{source.name}: it holds no documents"


def _bad_rows(source: SourceReport) -> Iterator[str]:
    if source.bad_rows:
        rows = "1 row holds" if source.bad_rows == 1 else f"{source.bad_rows:,} rows hold"
        yield f"{source.name}: {rows} no text and were skipped: {source.bad_row_examples[0]}"


def _cut_off(source: SourceReport) -> Iterator[str]:
    if cut := source.skipped.get(CUT_OFF):
        files = "1 file ends" if cut.count == 1 else f"{cut.count:,} files end"
        yield f"{source.name}: {files} too early, and what followed is lost: {cut.example}"


def _dropped(source: SourceReport, reasons: Mapping[str, str]) -> Iterator[str]:
    """Nearly all documents, or those of a rule that dropped most, unless that is no loss."""
    total = source.received.documents
    by_rule = {
        rule: count for rule, count in source.dropped_by_rule.items() if not rule.endswith(_NO_LOSS)
    }
    lost = sum(by_rule.values())
    shown_rules = list(by_rule.items())[:_RULES_SHOWN]
    if lost <= _NEARLY_ALL * total:
        shown_rules = [(rule, count) for rule, count in shown_rules if count > _MOST * total]
    if shown_rules:
        rules = "; ".join(f"{rule} {count:,} ({reasons[rule]})" for rule, count in shown_rules)
        yield f"{source.name}: {lost:,} of {total:,} documents were dropped, by {rules}"


def _large_clusters(step: StepReport) -> Iterator[str]:
    """A cluster with a large share of all documents, perhaps a chain of documents that differ."""
    for cluster in step.clusters.largest if step.clusters else ():
        count, total = cluster.documents, step.received.documents
        if count >= _FEW_DOCUMENTS and count > _LARGE_CLUSTER * total:
            yield (
                f"{step.name}: {count:,} of {total:,} documents are one cluster, of which the "
                "first stays; the data report shows some: raise minSimilarity if they differ"
            )


def _scripts(source: SourceReport) -> Iterator[str]:
    """Warnings about scripts with nearly no documents left, although others have some."""
    for script, counts in source.scripts.items():
        lost = counts.received - counts.passed
        is_all = counts.received == source.received.documents
        if (
            not is_all
            and counts.received >= _FEW_DOCUMENTS
            and lost > _NEARLY_ALL * counts.received
        ):
            yield (
                f"{source.name}: {lost:,} of {counts.received:,} documents in the script {script} "
                "were dropped; the examples in the data report show some"
            )


def _html(source: SourceReport) -> Iterator[str]:
    changed = source.changed_by_step.get(_HTML_STEP, 0)
    if changed and not source.name.endswith(_HTML_FORMATS):
        yield (
            f"{source.name}: the step html took {changed:,} of {source.received.documents:,} "
            "documents for HTML and kept their text alone; without it in data.steps they are left "
            "as they are"
        )
