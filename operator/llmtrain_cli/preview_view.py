"""The preview of a job's data as tables and texts for the terminal."""

from collections.abc import Iterator, Mapping, Sequence

from rich.console import Group, RenderableType
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from llmtrain_api.data_report import DataPreview, DataReport, Example, GroupReport, Size, StepReport
from llmtrain_cli.text import plain

_INDENT = (0, 0, 0, 2)
_GROUPS_SHOWN = 10


def preview_view(preview: DataPreview, *, name: str) -> RenderableType:
    """The funnel, then examples step by step, under the job's name."""
    report = preview.report
    parts: list[RenderableType] = [
        plain(f"The first documents of {name}", "bold"),
        _sources(report),
        Text(),
        _funnel(preview),
        plain(_verdict(report)),
        *(plain(f"Warning: {warning}", "yellow") for warning in preview.warnings),
        *_groups(report),
    ]
    for step in report.steps:
        parts += [*_examples(step.name, step.examples), *_clusters(step), *_lines(step)]
        parts += [*_scores(step), *_misspellings(step)]
    parts += [*_copies(report), *_identity(report)]
    return Group(*parts)


def _sources(report: DataReport) -> RenderableType:
    """Documents of each source, and parts of archives that hold no page, by their kind."""
    table = _table("source", "documents", "bytes", "rows skipped")
    if any(source.skipped for source in report.by_source):
        table.add_column("no documents", style="dim")
    for source in report.by_source:
        received = source.received
        counts = (received.documents, received.bytes, source.bad_rows)
        kinds = (f"{kind} {_number(each.count)}" for kind, each in source.skipped.items())
        cells = [plain(", ".join(kinds))] if source.skipped else []
        table.add_row(plain(source.name), *map(_number, counts), *cells)
    return Padding(table, _INDENT)


def _groups(report: DataReport) -> Iterator[RenderableType]:
    """Documents of each source by script, language and what else steps took them for."""
    labels = dict.fromkeys(name for source in report.by_source for name in source.labels)
    yield from _group_table("script", {each.name: each.scripts for each in report.by_source})
    for name in labels:
        found = {each.name: each.labels.get(name, {}) for each in report.by_source}
        yield from _group_table(name, found)


def _group_table(
    kind: str, by_source: Mapping[str, Mapping[str, GroupReport]]
) -> Iterator[RenderableType]:
    """The most frequent groups of each source, and the sum of the others."""
    if not any(by_source.values()):
        return
    yield plain(f"\nDocuments by {kind}", "bold cyan")
    table = _table("source")
    table.add_column(kind)
    for column in ("documents", "kept"):
        table.add_column(column, justify="right")
    for source, groups in by_source.items():
        rows = sorted(groups.items(), key=lambda item: -item[1].received)
        if others := rows[_GROUPS_SHOWN:]:
            rest = sum((counts for _, counts in others), GroupReport())
            rows = [*rows[:_GROUPS_SHOWN], (f"({len(others)} others)", rest)]
        for number, (group, counts) in enumerate(rows):
            name = plain("" if number else source)
            table.add_row(name, plain(group), _number(counts.received), _number(counts.kept))
    yield Padding(table, _INDENT)


def _funnel(preview: DataPreview) -> RenderableType:
    table = _table("step, rule", "documents left", "dropped", "changed")
    table.add_column(style="dim")
    for step in preview.report.steps:
        counts = (step.kept.documents, step.dropped.documents, step.changed_documents)
        table.add_row(plain(step.name, "bold"), *map(_number, counts))
        by_count = sorted(step.dropped_by_rule.items(), key=lambda item: -item[1])
        for rule, count in by_count:
            reason = preview.reasons.get(f"{step.name} {rule}", "")
            table.add_row(plain(f"  {rule}"), "", _number(count), "", plain(reason))
    return Padding(table, _INDENT)


def _verdict(report: DataReport) -> str:
    stay = report.train + report.validation
    all_of_them = sum((source.received for source in report.by_source), Size())
    if not all_of_them.documents:
        return "The sources hold no documents."
    return (
        f"{stay.documents:,} of {all_of_them.documents:,} documents stay "
        f"({stay.documents / all_of_them.documents:.1%}), {stay.bytes:,} of "
        f"{all_of_them.bytes:,} bytes."
    )


def _copies(report: DataReport) -> Iterator[RenderableType]:
    """The copies of training documents by way, then some of them beside their originals."""
    if not report.augmentation:
        return
    yield plain("\ncopies of training documents", "bold cyan")
    table = _table("way", "documents", "copies", "bytes")
    table.add_column("not written", style="dim")
    for way in report.augmentation:
        left = ", ".join(f"{rule} {_number(count)}" for rule, count in way.left_by_rule.items())
        counts = (way.chosen.documents, way.copies.documents, way.copies.bytes)
        table.add_row(plain(way.name, "bold"), *map(_number, counts), plain(left))
    yield Padding(table, _INDENT)
    for way in report.augmentation:
        yield from _examples(way.name, way.examples)


def _examples(name: str, shown: Sequence[Example]) -> Iterator[RenderableType]:
    by_rule: dict[str, list[Example]] = {}
    for example in shown:
        by_rule.setdefault(example.rule, []).append(example)
    for rule, examples in by_rule.items():
        is_change = examples[0].after is not None
        title = f"{name}: changed" if is_change else f"{name}: dropped by {rule}"
        yield plain(f"\n{title}", "bold cyan")
        for example in examples:
            yield Padding(plain(example.source, "dim"), _INDENT)
            yield Padding(plain(f"- {_in_one_line(example.excerpt)}", "red"), (0, 0, 0, 4))
            if example.after is not None:
                yield Padding(plain(f"+ {_in_one_line(example.after)}", "green"), (0, 0, 0, 4))
            if (kept := example.kept) is not None:
                yield Padding(plain(f"= {_in_one_line(kept.excerpt)}", "green"), (0, 0, 0, 4))
                where = f"stays, from {kept.source}; similarity {kept.similarity:.2f}"
                yield Padding(plain(where, "dim"), (0, 0, 0, 6))


def _clusters(step: StepReport) -> Iterator[RenderableType]:
    """A histogram of the clusters' sizes, and the largest clusters."""
    if step.clusters is None or not step.clusters.sizes:
        return
    yield plain(f"\n{step.name}: clusters of documents that are alike", "bold cyan")
    table = _table("documents in a cluster", "clusters", "documents")
    for size in step.clusters.sizes:
        first, last = _number(size.smallest), _number(size.largest)
        name = first if first == last else f"{first} to {last}"
        table.add_row(name, _number(size.clusters), _number(size.documents))
    yield Padding(table, _INDENT)
    for cluster in step.clusters.largest:
        count = f"{_number(cluster.documents)} documents; the first stays, from {cluster.source}"
        yield Padding(plain(count, "dim"), _INDENT)
        yield Padding(plain(f"= {_in_one_line(cluster.excerpt)}", "green"), (0, 0, 0, 4))
        for other in cluster.others:
            yield Padding(plain(f"- {_in_one_line(other)}", "red"), (0, 0, 0, 4))


def _lines(step: StepReport) -> Iterator[RenderableType]:
    """How much was taken out as repeated, and the most frequent lines."""
    if step.lines is None:
        return
    yield plain(f"\n{step.name}: repeated lines", "bold cyan")
    count, size = _number(step.lines.lines), _number(step.lines.bytes)
    yield Padding(plain(f"{count} were taken out, {size} bytes"), _INDENT)
    for line in step.lines.most_frequent:
        where = f"in {_number(line.documents)} documents; the first keeps it, from {line.source}"
        yield Padding(plain(where, "dim"), _INDENT)
        yield Padding(plain(f"- {_in_one_line(line.excerpt)}", "red"), (0, 0, 0, 4))


def _scores(step: StepReport) -> Iterator[RenderableType]:
    """A histogram of the scores, then the first document of each range."""
    if not step.scores.bins:
        return
    yield plain(f"\n{step.name}: scores", "bold cyan")
    table = _table("score", "documents")
    for each in step.scores.bins:
        table.add_row(f"{each.lower:g} to {each.upper:g}", _number(each.count))
    yield Padding(table, _INDENT)
    for example in step.scored:
        yield Padding(plain(f"{example.score:.3g}, from {example.source}", "dim"), _INDENT)
        yield Padding(plain(_in_one_line(example.excerpt)), (0, 0, 0, 4))


def _misspellings(step: StepReport) -> Iterator[RenderableType]:
    """The most frequent misspelled words, and the right ones."""
    if (found := step.misspellings) is None:
        return
    title = "corrected words" if found.corrected else "misspelled words, which stay"
    yield plain(f"\n{step.name}: {title}", "bold cyan")
    count = f"{_number(found.words)} words, {_number(found.occurrences)} times in all"
    yield Padding(plain(count), _INDENT)
    if not found.words:
        return
    table = _table("word", "times")
    table.add_column("correct")
    for each in found.most_frequent:
        table.add_row(plain(each.word), _number(each.occurrences), plain(each.correct))
    yield Padding(table, _INDENT)


def _identity(report: DataReport) -> Iterator[RenderableType]:
    """How English documents speak of people."""
    if (found := report.identity) is None:
        return
    yield plain("\nHow English documents speak of people", "bold cyan")
    pronouns = ", ".join(f"{word} {_number(count)}" for word, count in found.pronouns.items())
    yield Padding(plain(f"Pronouns: {pronouns}"), _INDENT)
    table = _table("group", "sentences", "with a negative word", "share")
    rows = [("all", found.sentences, found.negative_sentences)]
    rows += [
        (f"{each.kind}: {each.group}", each.sentences, each.negative_sentences)
        for each in found.terms
    ]
    for name, sentences, negative in rows:
        share = f"{negative / sentences:.1%}" if sentences else ""
        table.add_row(plain(name), _number(sentences), _number(negative), share)
    yield Padding(table, _INDENT)


def _in_one_line(text: str) -> str:
    """Line ends as an arrow, so that a change of white space can be seen."""
    return text.replace("\r", "\\r").replace("\n", "↵").replace("\t", "→")


def _number(count: int) -> str:
    return f"{count:,}"


def _table(first: str, *numbers: str) -> Table:
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), header_style="dim")
    table.add_column(first)
    for name in numbers:
        table.add_column(name, justify="right")
    return table
