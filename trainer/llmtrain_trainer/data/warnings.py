"""Warns of what the data stage lost: most of a source, a script, rows, markup."""

from collections.abc import Iterator

from llmtrain_api.data_report import DataReport, SourceReport
from llmtrain_trainer.data.clean import HTML
from llmtrain_trainer.data.quality import REASONS

_MOST = 0.5
_NEARLY_ALL = 0.9
_FEW_DOCUMENTS = 10
"""Fewer documents than this in a script say nothing about it."""
_RULES_SHOWN = 3
_IS_HTML = "(html)"


def warnings(report: DataReport) -> Iterator[str]:
    """What a person should look at, one source after the other."""
    for source in report.by_source:
        yield from source_warnings(source)


def source_warnings(source: SourceReport) -> Iterator[str]:
    """What a person should look at in one source."""
    yield from _bad_rows(source)
    if source.came_in.documents:
        yield from _dropped(source)
        yield from _scripts(source)
        yield from _html(source)
    else:
        yield f"{source.name}: it holds no documents"


def _bad_rows(source: SourceReport) -> Iterator[str]:
    if source.bad_rows:
        rows = "1 row holds" if source.bad_rows == 1 else f"{source.bad_rows:,} rows hold"
        yield f"{source.name}: {rows} no text and were skipped: {source.bad_row_examples[0]}"


def _dropped(source: SourceReport) -> Iterator[str]:
    """Nearly all documents, or those of a rule that dropped most; repetitions are no loss."""
    total = source.came_in.documents
    by_rule = {
        rule: count
        for rule, count in source.dropped_by_rule.items()
        if not rule.endswith(" repeated")
    }
    lost = sum(by_rule.values())
    told = list(by_rule.items())[:_RULES_SHOWN]
    if lost <= _NEARLY_ALL * total:
        told = [(rule, count) for rule, count in told if count > _MOST * total]
    if told:
        rules = "; ".join(f"{rule} {count:,} ({_reason(rule)})" for rule, count in told)
        yield f"{source.name}: {lost:,} of {total:,} documents were dropped, by {rules}"


def _reason(rule: str) -> str:
    return REASONS[rule.rpartition(" ")[2]]


def _scripts(source: SourceReport) -> Iterator[str]:
    """Scripts of which nearly nothing is left, where others are."""
    for script, counts in source.scripts.items():
        lost = counts.came_in - counts.kept
        is_all = counts.came_in == source.came_in.documents
        if not is_all and counts.came_in >= _FEW_DOCUMENTS and lost > _NEARLY_ALL * counts.came_in:
            yield (
                f"{source.name}: {lost:,} of {counts.came_in:,} documents in the script {script} "
                "were dropped; the examples in the data report show some"
            )


def _html(source: SourceReport) -> Iterator[str]:
    changed = source.changed_by_step.get(HTML, 0)
    if changed and not source.name.endswith(_IS_HTML):
        yield (
            f"{source.name}: {HTML} took {changed:,} of {source.came_in.documents:,} documents "
            "for HTML and kept their text alone; data.clean.html: false leaves them as they are"
        )
