"""The corpus: its sources, scripts and languages, before and after the steps, and histograms."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from markupsafe import Markup

from llmtrain_api.data_report import DataReport, GroupReport, Size, SourceReport
from llmtrain_api.histogram import Bin, Histogram
from llmtrain_cli.report.charts.svg import percent, picture, tag

_GROUPS_SHOWN = 10
_LANGUAGE = "language"
"""The step whose labels are languages."""
_SCRIPTS = {"Cjk": "Chinese characters", "None": "no letters"}
"""Names of scripts that a reader may not know."""


@dataclass(frozen=True)
class Passage:
    """Documents before and after the steps."""

    received: str
    kept: str
    share_before: str
    """Share of all documents that were read, or of their bytes."""
    share_after: str
    """Share of all documents that are kept, or of their bytes."""


@dataclass(frozen=True)
class SourceRow:
    """One source of the manifest."""

    name: str
    passage: Passage
    dropped: str
    """Documents by the step and rule that dropped them."""
    skipped: str
    """Rows without text, and what else holds no document."""


@dataclass(frozen=True)
class GroupRow:
    """The documents of one source in one script or language."""

    source: str
    name: str
    passage: Passage


@dataclass(frozen=True)
class GroupTable:
    """The documents of all sources by script, or by what a step took them for."""

    title: str
    kind: str
    """Heading of the groups' names."""
    rows: tuple[GroupRow, ...]


@dataclass(frozen=True)
class HistogramRow:
    """Documents with a value in a range."""

    values: str
    count: str
    drawing: Markup


@dataclass(frozen=True)
class HistogramTable:
    """Documents by length or score."""

    title: str
    unit: str
    rows: tuple[HistogramRow, ...]


def source_rows(report: DataReport) -> tuple[SourceRow, ...]:
    """One row for each source; shares are those of bytes."""
    read = sum((source.received for source in report.by_source), Size())
    kept = sum((source.kept for source in report.by_source), Size())
    return tuple(
        SourceRow(
            name=source.name,
            passage=Passage(
                received=f"{source.received.documents:,}",
                kept=f"{source.kept.documents:,}",
                share_before=_share(source.received.bytes, read.bytes),
                share_after=_share(source.kept.bytes, kept.bytes),
            ),
            dropped=_counts(source.dropped_by_rule),
            skipped=_skipped(source),
        )
        for source in report.by_source
    )


def group_tables(report: DataReport) -> Iterator[GroupTable]:
    """Scripts, then what each step took documents for; shares are those of documents."""
    scripts = {
        source.name: {_SCRIPTS.get(name, name): group for name, group in source.scripts.items()}
        for source in report.by_source
    }
    yield _group_table("Scripts", "script", scripts)
    for step in dict.fromkeys(step for source in report.by_source for step in source.labels):
        labels = {source.name: source.labels.get(step, {}) for source in report.by_source}
        is_language = step == _LANGUAGE
        title, kind = ("Languages", "language") if is_language else (f"Labels of {step}", "label")
        yield _group_table(title, kind, labels)


def histogram_tables(report: DataReport) -> Iterator[HistogramTable]:
    """Lengths of documents, then the scores that steps gave them."""
    read = sum((source.lengths for source in report.by_source), Histogram())
    for title, lengths in (
        ("Length of documents that were read", read),
        ("Length of documents that are kept", report.kept_lengths),
    ):
        if lengths.bins:
            yield HistogramTable(title, "bytes", tuple(_rows(lengths, whole=True)))
    for step in report.steps:
        if step.scores.bins:
            title = f"Scores of {step.name}"
            yield HistogramTable(title, "score", tuple(_rows(step.scores, whole=False)))


def _group_table(
    title: str, kind: str, by_source: Mapping[str, Mapping[str, GroupReport]]
) -> GroupTable:
    every = [group for groups in by_source.values() for group in groups.values()]
    received, kept = (sum(each.received for each in every), sum(each.kept for each in every))
    rows = [
        GroupRow(
            source=source,
            name=name,
            passage=Passage(
                received=f"{group.received:,}",
                kept=f"{group.kept:,}",
                share_before=_share(group.received, received),
                share_after=_share(group.kept, kept),
            ),
        )
        for source, groups in by_source.items()
        for name, group in _largest(groups)
    ]
    return GroupTable(title, kind, tuple(rows))


def _largest(groups: Mapping[str, GroupReport]) -> Iterator[tuple[str, GroupReport]]:
    """The largest groups, and the others as one."""
    listed = list(groups.items())
    yield from listed[:_GROUPS_SHOWN]
    if others := listed[_GROUPS_SHOWN:]:
        yield f"{len(others)} others", sum((group for _, group in others), GroupReport())


def _rows(histogram: Histogram, *, whole: bool) -> Iterator[HistogramRow]:
    most = max(each.count for each in histogram.bins)
    for each in histogram.bins:
        values = _range(each, whole=whole)
        bar = picture(
            tag("rect", class_="left", width=percent(each.count / most), height="100%"),
            title=values,
            description=f"{each.count:,} of {histogram.count:,} documents",
            class_="funnel",
        )
        yield HistogramRow(values, f"{each.count:,}", bar)


def _range(each: Bin, *, whole: bool) -> str:
    if not whole:
        return f"{each.lower:g} to {each.upper:g}"
    first, last = int(each.lower), int(each.upper) - 1
    return f"{first:,}" if first == last else f"{first:,} to {last:,}"


def _counts(counts: Mapping[str, int]) -> str:
    return ", ".join(f"{name} {count:,}" for name, count in counts.items())


def _skipped(source: SourceReport) -> str:
    kinds: Iterable[str] = (f"{kind} {each.count:,}" for kind, each in source.skipped.items())
    return ", ".join((f"{source.bad_rows:,}", *kinds))


def _share(part: int, whole: int) -> str:
    return f"{part / whole:.1%}" if whole else ""
