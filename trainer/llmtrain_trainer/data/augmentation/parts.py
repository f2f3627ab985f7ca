"""The round of the workers that makes copies of training documents, one part at a time.

A part is a few MB of the training documents of one unit. Its copies get files of their own, which
lie behind those of the unit, so that no sequence of the training holds a document beside its copy.
"""

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from functools import partial
from itertools import groupby
from pathlib import Path

from llmtrain_api.base import Record
from llmtrain_api.data_report import AugmentationReport, Example, Size
from llmtrain_trainer.data.augmentation.base import Left
from llmtrain_trainer.data.augmentation.copying import Copying
from llmtrain_trainer.data.cleaning import DOCUMENTS
from llmtrain_trainer.data.documents import Copy, DocumentWriter, RowGroup, document_key, row_groups
from llmtrain_trainer.data.report import (
    CHANGED,
    NUM_EXAMPLES,
    excerpt,
    first_difference,
    size_of,
)
from llmtrain_trainer.data.units import CorpusUnit
from llmtrain_trainer.units import committed, neighbours

_SLICE_BYTES = 2**16
_NUM_PARTS = 4096
"""Parts of many documents, about: the driver holds a report on each."""


@dataclass(frozen=True)
class CopyPart:
    """Training documents of a unit of which one worker makes copies."""

    unit: CorpusUnit
    number: int
    """Position among the unit's parts."""
    groups: tuple[RowGroup, ...]
    slice: int = 0
    num_slices: int = 1
    """Parts of the same documents, of which this is one."""

    @property
    def name(self) -> str:
        """The name of its folder; names sort as parts do."""
        return f"{self.unit.name}-copies-{self.number:06}"


class CopiedPart(Record):
    """Report on the copies of a part, by way."""

    reports: tuple[AugmentationReport, ...]


def copy_parts(
    units: Iterable[tuple[CorpusUnit, Path]], *, in_slices: bool = False
) -> list[CopyPart]:
    """The parts of a corpus.

    Args:
        units: each unit, and the folder of its training documents.
        in_slices: whether row groups are shared out, for a model takes minutes for some kilobytes.
    """
    sized = [
        (unit, [(group, group.num_bytes) for group in row_groups(folder)]) for unit, folder in units
    ]
    wanted = sum(size for _, groups in sized for _, size in groups) // _NUM_PARTS
    if in_slices:
        slices = [
            (unit, group, place, count)
            for unit, groups in sized
            for group, size in groups
            for count in [max(1, size // max(wanted, _SLICE_BYTES))]
            for place in range(count)
        ]
        return [
            CopyPart(unit, number, (group,), place, count)
            for _, inside in groupby(slices, lambda each: each[0].number)
            for number, (unit, group, place, count) in enumerate(inside)
        ]
    return [
        CopyPart(unit, number, groups)
        for unit, all_groups in sized
        for number, (groups, _) in enumerate(neighbours(all_groups, wanted))
    ]


def copy_part(part: CopyPart, copying: Copying, home: Path) -> CopiedPart:
    """Write the copies of a part's documents.

    Args:
        part: says which documents.
        copying: makes the copies.
        home: folder of all parts.

    Raises:
        UserError: a dictionary or a model cannot be read.
    """
    return committed(home / part.name, partial(_copy_part, part, copying), CopiedPart)


def copies_of(part: CopyPart, home: Path) -> Path:
    """The folder of a part's copies.

    Args:
        part: the part.
        home: folder of all parts.
    """
    return home / part.name / DOCUMENTS


def total(reports: Iterable[CopiedPart]) -> tuple[AugmentationReport, ...]:
    """The sums of reports on parts, in order."""
    sums: dict[str, AugmentationReport] = {}
    for part in reports:
        for each in part.reports:
            sums[each.name] = _sum(sums[each.name], each) if each.name in sums else each
    return tuple(sums.values())


def _copy_part(part: CopyPart, copying: Copying, folder: Path) -> CopiedPart:
    counters = {name: _Counter(name) for name in copying.augmenters}
    with DocumentWriter(folder / DOCUMENTS, part.unit.source, holds_copies=True) as writer:
        for text, source in _documents(part):
            original = document_key(text).hex()
            chosen = set()
            for name, copy in copying.copies(text):
                counters[name].count(source, text, copy, is_first=name not in chosen)
                chosen.add(name)
                if isinstance(copy, str):
                    writer.write(copy, source, Copy(original, name))
    return CopiedPart(reports=tuple(counter.report() for counter in counters.values()))


def _documents(part: CopyPart) -> Iterator[tuple[str, str]]:
    """Texts and sources of a part's documents."""
    for group in part.groups:
        documents = list(zip(group.texts(), group.sources(), strict=True))
        start, stop = (
            len(documents) * place // part.num_slices for place in (part.slice, part.slice + 1)
        )
        yield from documents[start:stop]


@dataclass
class _Counter:
    """Counts the copies that one way makes."""

    name: str
    _chosen: Size = field(default_factory=Size)
    _copies: Size = field(default_factory=Size)
    _left: Counter[str] = field(default_factory=Counter)
    _examples: list[Example] = field(default_factory=list)

    def count(self, source: str, text: str, copy: str | Left, *, is_first: bool) -> None:
        """One copy of a document.

        Args:
            source: the document's.
            text: the document.
            copy: the copy, or why there is none.
            is_first: whether it is the first that this way makes of the document.
        """
        if is_first:
            self._chosen += size_of(text)
        if isinstance(copy, Left):
            self._left[copy.rule] += 1
            return
        self._copies += size_of(copy)
        if len(self._examples) < NUM_EXAMPLES:
            self._examples.append(_example(source, text, copy))

    def report(self) -> AugmentationReport:
        """The counts so far."""
        return AugmentationReport(
            name=self.name,
            chosen=self._chosen,
            copies=self._copies,
            left_by_rule=dict(self._left),
            examples=tuple(self._examples),
        )


def _example(source: str, before: str, after: str) -> Example:
    start = first_difference(before, after)
    shown = excerpt(before, start)
    return Example(source=source, rule=CHANGED, excerpt=shown, after=excerpt(after, start))


def _sum(one: AugmentationReport, other: AugmentationReport) -> AugmentationReport:
    return AugmentationReport(
        name=one.name,
        chosen=one.chosen + other.chosen,
        copies=one.copies + other.copies,
        left_by_rule=dict(Counter(one.left_by_rule) + Counter(other.left_by_rule)),
        examples=(*one.examples, *other.examples)[:NUM_EXAMPLES],
    )
