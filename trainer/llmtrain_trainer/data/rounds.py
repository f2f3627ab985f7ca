"""The documents of a corpus between two rounds of the workers that compare them."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Protocol, TypeVar

from llmtrain_api.data_report import Findings, StepReport
from llmtrain_trainer.data.drops import DropFile

Item = TypeVar("Item")
Result = TypeVar("Result")


class Each(Protocol):
    """Applies work to all items, wherever they are worked on."""

    def __call__(
        self, work: Callable[[Item], Result], items: Sequence[Item], activity: str
    ) -> list[Result]:
        """The results, in order.

        Args:
            work: as `map_in_order` takes it.
            items: parts of the input.
            activity: what is done, in words.
        """
        ...


@dataclass(frozen=True)
class Documents:
    """All documents of a corpus, as workers get them."""

    units: tuple[Path, ...]
    """Folders of all units, in order."""
    sources: tuple[int, ...]
    """Position of each unit's source in the manifest."""
    count: int
    """Documents in all units, dropped ones included."""
    dropped: tuple[DropFile, ...] = ()
    """Documents that are dropped already."""
    uncounted: tuple[str, ...] = ()
    """Steps that have compared the documents of these units, by their names in the data report.
    They are counted when the units are written again."""

    def after(self, step: str, dropped: Sequence[DropFile]) -> "Documents":
        """The same documents after one more step.

        Args:
            step: its name in the data report.
            dropped: what it drops.
        """
        return replace(
            self,
            dropped=(*self.dropped, *dropped),
            uncounted=(*self.uncounted, step),
        )


@dataclass
class Compared:
    """What the comparisons found so far."""

    documents: Documents
    counted: list[tuple[int, tuple[StepReport, ...]]] = field(default_factory=list)
    """Reports on steps, unit by unit: the unit's number, and the steps in their order."""
    findings: dict[str, Findings] = field(default_factory=dict)
    """What steps found in all documents together, by their names in the data report."""
