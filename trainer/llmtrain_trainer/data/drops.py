"""Documents that a comparison drops: which rows of which units, and by which rules.

Comparisons write files of them. Later comparisons and the last round read the rows of their units.
"""

from bisect import bisect_left
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from llmtrain_api.base import Record
from llmtrain_trainer.data.pipeline import Drop
from llmtrain_trainer.data.report import StepCounter
from llmtrain_trainer.data.steps.base import Dropped, Instead

DROP = np.dtype([("unit", "<u4"), ("row", "<u4"), ("rule", "<u2")])
"""A document by its unit and its row there, and the number of a rule."""


class Rule(Record):
    """A rule of a step that compares documents."""

    step: str
    rule: str


@dataclass(frozen=True)
class DropFile:
    """A file of dropped documents."""

    path: Path
    """An array of `DROP`, the units in their order."""
    rules: tuple[Rule, ...]
    """Rules by their numbers in the file."""
    instead: Mapping[tuple[int, int], Instead] = field(default_factory=dict)
    """What stays in the place of some, by unit and row: the first few, for the report."""


def dropped_rows(files: Sequence[DropFile], unit: int) -> dict[int, Drop]:
    """Documents of a unit that are dropped, by their rows.

    Args:
        files: those of all comparisons so far.
        unit: its number.
    """
    found = {}
    for file in files:
        for each in _of_unit(file, unit):
            rule, row = file.rules[each["rule"]], int(each["row"])
            instead = file.instead.get((unit, row))
            found[row] = Drop(rule.step, Dropped(rule.rule, instead))
    return found


def dropped_row_numbers(files: Sequence[DropFile], unit: int) -> NDArray[np.uint32]:
    """Rows of the documents of a unit that are dropped, for whoever asks no more of them.

    Args:
        files: those of all comparisons so far.
        unit: its number.
    """
    found = [_of_unit(file, unit)["row"] for file in files]
    return np.concatenate([np.empty(0, np.uint32), *found])


def count_drop(counters: Sequence[StepCounter], source: str, text: str, drop: Drop | None) -> None:
    """Count a document in all steps up to the one that drops it.

    Args:
        counters: one for each step that compares documents, in their order.
        source: the document's.
        text: the document, which none of them changes.
        drop: the step that drops it; None where it stays.
    """
    for counter in counters:
        if drop is not None and drop.step == counter.name:
            counter.count(source, text, drop.dropped)
            return
        counter.count(source, text, text)


def _of_unit(file: DropFile, unit: int) -> NDArray[np.void]:
    stored = load_array(file.path)
    start, stop = (bisect_left(stored["unit"], bound) for bound in (unit, unit + 1))
    return stored[start:stop]


def load_array(path: Path) -> NDArray[Any]:
    """An array, left on the disk."""
    stored: NDArray[Any] = np.load(path, mmap_mode="r", allow_pickle=False)
    return stored
