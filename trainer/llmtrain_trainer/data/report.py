"""Counts what each step does, batch by batch; the counts of batches add up."""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field

from pydantic import Field

from llmtrain_api.base import Record
from llmtrain_api.contamination import Contamination
from llmtrain_api.data_report import Example, Findings, GroupReport, Size, Skipped, StepReport
from llmtrain_api.histogram import Histogram
from llmtrain_trainer.data.contamination.counts import add
from llmtrain_trainer.data.groups import add_groups
from llmtrain_trainer.data.readers.rows import first_examples, merge_skipped
from llmtrain_trainer.data.steps.base import Dropped

CHANGED = "changed"
"""In place of a rule, where a step changed a document."""
NUM_EXAMPLES = 5
"""Documents that are shown of each rule of a step, and of those that it changed."""
_EXCERPT_CHARACTERS = 120
_CONTEXT_CHARACTERS = 20


def size_of(text: str) -> Size:
    """One document."""
    return Size(documents=1, bytes=num_bytes(text))


MAX_ORIGINS = 1000
"""Files that a report names."""
OTHERS = "(others)"
"""All other files."""


def add_origins(first: Mapping[str, Size], second: Mapping[str, Size]) -> dict[str, Size]:
    """Documents by their origin in both; a bounded number of origins are named, the first ones."""
    together = dict(first)
    for origin, size in second.items():
        is_named = origin in together or len(together) < MAX_ORIGINS
        name = origin if is_named else OTHERS
        together[name] = together.get(name, Size()) + size
    return together


class Tally(Record):
    """Counts of some documents of one source, before and after the steps of the workers."""

    read: dict[str, Size] = Field(default_factory=dict)
    """Documents by their origin: a file's path. A bounded number of them are named."""
    num_bad_rows: int = 0
    bad_rows: tuple[str, ...] = ()
    """What was wrong with the first few."""
    skipped: dict[str, Skipped] = Field(default_factory=dict)
    """What else holds no document, by its kind."""
    lengths: Histogram = Histogram()
    """Documents by their bytes, as they were read."""
    groups: dict[str, dict[str, GroupReport]] = Field(default_factory=dict)
    """Documents by script, and by what steps took them for."""
    steps: tuple[StepReport, ...] = ()
    """Steps that look at one document, in their order."""
    contamination: dict[str, Contamination] = Field(default_factory=dict)
    """Evaluation questions in documents, by task."""

    def __add__(self, other: "Tally") -> "Tally":
        """The counts of both; the other's documents come after."""
        return Tally(
            read=add_origins(self.read, other.read),
            num_bad_rows=self.num_bad_rows + other.num_bad_rows,
            bad_rows=first_examples(self.bad_rows, other.bad_rows),
            skipped=merge_skipped(self.skipped, other.skipped),
            lengths=self.lengths + other.lengths,
            groups=add_groups(self.groups, other.groups),
            steps=merge_all(self.steps, other.steps),
            contamination=add(self.contamination, other.contamination),
        )


def total(tallies: Iterable[Tally]) -> Tally:
    """The sum of many, in order; each count is copied a few times, not once for each that follows.

    Sums of equally many are added to each other, so that a unit of many small files takes time in
    proportion to their number.
    """
    sums: list[tuple[int, Tally]] = []
    for tally in tallies:
        number, one = 1, tally
        while sums and sums[-1][0] == number:
            number, one = 2 * number, sums.pop()[1] + one
        sums.append((number, one))
    last = Tally()
    while sums:
        last = sums.pop()[1] + last
    return last


@dataclass
class StepCounter:
    """Counts what one step does to the documents of a batch."""

    name: str
    placeholders: Mapping[str, str] = field(default_factory=dict)
    """The step's."""
    score_width: float = 1.0
    """Width of the bins of the step's scores."""
    _received: Counter[str] = field(default_factory=Counter)
    _kept: Counter[str] = field(default_factory=Counter)
    _dropped: Counter[str] = field(default_factory=Counter)
    _by_rule: Counter[str] = field(default_factory=Counter)
    _replaced: Counter[str] = field(default_factory=Counter)
    _num_changed: int = 0
    _scores: list[float] = field(default_factory=list)
    _examples: list[Example] = field(default_factory=list)
    _shown: Counter[str] = field(default_factory=Counter)

    def count(self, source: str, before: str, after: str | Dropped) -> None:
        """One document, before and after the step."""
        _count(self._received, before)
        if isinstance(after, Dropped):
            _count(self._dropped, before)
            self._by_rule[after.rule] += 1
            self._show(source, before, after)
            return
        _count(self._kept, after)
        if after != before:
            self._num_changed += 1
            for kind, placeholder in self.placeholders.items():
                self._replaced[kind] += after.count(placeholder) - before.count(placeholder)
            self._show(source, before, after)

    def score(self, score: float) -> None:
        """Count the score that the step gave to a document."""
        self._scores.append(score)

    def report(self) -> StepReport:
        """The counts so far."""
        return StepReport(
            name=self.name,
            received=Size(**self._received),
            kept=Size(**self._kept),
            dropped=Size(**self._dropped),
            changed_documents=self._num_changed,
            dropped_by_rule=dict(self._by_rule),
            replaced_by_kind=dict(+self._replaced),
            examples=tuple(self._examples),
            scores=Histogram.even(self._scores, self.score_width),
        )

    def _show(self, source: str, before: str, after: str | Dropped) -> None:
        rule = after.rule if isinstance(after, Dropped) else CHANGED
        if self._shown[rule] < NUM_EXAMPLES:
            self._shown[rule] += 1
            self._examples.append(_example(source, before, after))


def merge(first: StepReport, second: StepReport) -> StepReport:
    """One report of the same step over the documents of two, the first's coming first."""
    return StepReport(
        name=first.name,
        received=first.received + second.received,
        kept=first.kept + second.kept,
        dropped=first.dropped + second.dropped,
        changed_documents=first.changed_documents + second.changed_documents,
        dropped_by_rule=dict(Counter(first.dropped_by_rule) + Counter(second.dropped_by_rule)),
        replaced_by_kind=dict(Counter(first.replaced_by_kind) + Counter(second.replaced_by_kind)),
        examples=tuple(_first_of_each_rule((*first.examples, *second.examples))),
        scores=first.scores + second.scores,
    )


def with_findings(step: StepReport, findings: Findings | None) -> StepReport:
    """A report on a step, with what it found in all documents together."""
    if findings is None:
        return step
    return step.replace(
        clusters=findings.clusters,
        lines=findings.lines,
        scores=findings.scores,
        scored=findings.scored,
        misspellings=findings.misspellings,
    )


def _first_of_each_rule(examples: Iterable[Example]) -> Iterator[Example]:
    shown: Counter[str] = Counter()
    for example in examples:
        shown[example.rule] += 1
        if shown[example.rule] <= NUM_EXAMPLES:
            yield example


def merge_all(
    first: tuple[StepReport, ...], second: tuple[StepReport, ...]
) -> tuple[StepReport, ...]:
    """Reports of a list of steps over the documents of two; either may have none yet."""
    if not first or not second:
        return first or second
    return tuple(merge(one, other) for one, other in zip(first, second, strict=True))


def excerpt(text: str, start: int = 0) -> str:
    """A part of a text that is short enough for the report."""
    return text[start : start + _EXCERPT_CHARACTERS]


def first_difference(before: str, after: str) -> int:
    """The position of the first difference, less a margin for the excerpt."""
    same = next(
        (i for i, (one, other) in enumerate(zip(before, after, strict=False)) if one != other),
        min(len(before), len(after)),
    )
    return max(0, same - _CONTEXT_CHARACTERS)


def _example(source: str, before: str, after: str | Dropped) -> Example:
    if not isinstance(after, Dropped):
        start = first_difference(before, after)
        shown = excerpt(before, start)
        return Example(source=source, rule=CHANGED, excerpt=shown, after=excerpt(after, start))
    instead = after.instead
    return Example(
        source=source,
        rule=after.rule,
        excerpt=excerpt(before, instead.start if instead else 0),
        kept=instead.kept if instead else None,
    )


def _count(total: Counter[str], text: str) -> None:
    total["documents"] += 1
    total["bytes"] += num_bytes(text)


def num_bytes(text: str) -> int:
    """Bytes of a text as UTF-8."""
    return len(text) if text.isascii() else len(text.encode())
