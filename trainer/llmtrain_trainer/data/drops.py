"""Documents that a comparison drops: which rows of which units, and by which rules.

Comparisons write files of them. Later comparisons and the last round read the rows of their units.
"""

from bisect import bisect_left
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from llmtrain_api.base import Record
from llmtrain_trainer.data.pipeline import Drop
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
        stored = load_array(file.path)
        start, stop = (bisect_left(stored["unit"], bound) for bound in (unit, unit + 1))
        for each in stored[start:stop]:
            rule, row = file.rules[each["rule"]], int(each["row"])
            instead = file.instead.get((unit, row))
            found[row] = Drop(rule.step, Dropped(rule.rule, instead))
    return found


def load_array(path: Path) -> NDArray[np.void]:
    """An array of records, left on the disk."""
    stored: NDArray[np.void] = np.load(path, mmap_mode="r", allow_pickle=False)
    return stored
