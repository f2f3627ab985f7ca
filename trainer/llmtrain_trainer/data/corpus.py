"""Makes a corpus in three rounds of the workers; only counts pass through this process."""

from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TypeVar

from llmtrain_api.data_report import DataReport, Size, StepReport
from llmtrain_api.spec.data import Data
from llmtrain_trainer.data.cleaning import CleanUnit, clean
from llmtrain_trainer.data.report import merge
from llmtrain_trainer.data.shuffle import PartitionDrops, compare, partitions
from llmtrain_trainer.data.source_counter import SourceCounter
from llmtrain_trainer.data.splitting import (
    TRAIN,
    VALIDATION,
    Folders,
    Side,
    SplitUnit,
    split,
    split_folder,
)
from llmtrain_trainer.data.steps.registry import corpus_steps, document_steps
from llmtrain_trainer.data.units import CorpusUnit
from llmtrain_trainer.errors import Interrupted
from llmtrain_trainer.parallel import map_in_order
from llmtrain_trainer.stage import StageContext

Item = TypeVar("Item")
Result = TypeVar("Result")

_CLEANED = 70
_COMPARED = 75
_SPLIT = 100


@dataclass(frozen=True)
class CorpusMaker:
    """Makes a corpus; a killed one goes on with the units that are finished.

    Args:
        units: all units, in order.
        data: the manifest's section.
        home: where finished units are.
        context: the stage's.
    """

    units: Sequence[CorpusUnit]
    data: Data
    home: Path
    context: StageContext

    def make(self, target: Path) -> DataReport:
        """Fill an empty folder with `train/` and `validation/`.

        Raises:
            UserError: a source cannot be read, or has more bad rows than it may have.
            Interrupted: a stop was requested.
        """
        counts = _Counts(self.data, self.units)
        cleaned = partial(clean, data=self.data, home=self._folders.clean)
        num_kept = 0
        for unit, report in zip(
            self.units, self._each(cleaned, self.units, "cleaning documents", _CLEANED), strict=True
        ):
            counts.take_clean(unit, report)
            num_kept += report.num_kept
        dropped = self._compare(num_kept)
        parts = self._split(dropped)
        for unit, part, first_to in parts:
            counts.take_split(unit, part)
            folder = split_folder(unit, self._folders, first_to)
            for side in (TRAIN, VALIDATION):
                (target / side).mkdir(exist_ok=True)
                for file in sorted((folder / side).glob("*.parquet")):
                    file.rename(target / side / f"part-{unit.name}-{file.name[len('part-') :]}")
        return counts.report()

    @property
    def _folders(self) -> Folders:
        return Folders(self.home)

    def _compare(self, num_documents: int) -> list[PartitionDrops]:
        if not corpus_steps(self.data.steps):
            return []
        work = partial(
            compare,
            units=[self._folders.clean / unit.name for unit in self.units],
            listed=self.data.steps,
            home=self._folders.compared,
        )
        return self._each(work, partitions(num_documents), "comparing documents", _COMPARED)

    def _split(
        self, dropped: Sequence[PartitionDrops]
    ) -> list[tuple[CorpusUnit, SplitUnit, Side | None]]:
        work = partial(split, data=self.data, folders=self._folders, reports=dropped)
        reports = self._each(work, self.units, "writing documents", _SPLIT)
        parts: list[tuple[CorpusUnit, SplitUnit, Side | None]] = [
            (unit, report, None) for unit, report in zip(self.units, reports, strict=True)
        ]
        number, side = _first_document(reports)
        if side is not None:
            unit = self.units[number]
            parts[number] = (unit, work(unit, first_to=side), side)
        return parts

    def _each(
        self, work: Callable[[Item], Result], items: Sequence[Item], activity: str, percent: int
    ) -> list[Result]:
        """The results of a round, with a sign of life for each item."""
        begin = {_CLEANED: 0, _COMPARED: _CLEANED, _SPLIT: _COMPARED}[percent]
        size = sum(unit.size for unit in self.units)
        results = []
        for result in map_in_order(items, work, num_bytes=size):
            results.append(result)
            if self.context.stop.is_set():
                raise Interrupted(
                    f"stopped while {activity}; it goes on with the parts that remain"
                )
            self.context.progress.update(
                percent=begin + (percent - begin) * len(results) / len(items),
                activity=f"{activity} (part {len(results)} of {len(items)})",
            )
        return results


def _first_document(reports: Sequence[SplitUnit]) -> tuple[int, Side | None]:
    """The unit of the first document, and the side to move it to; None where it stays.

    It moves where one side stayed empty, so that two documents are enough for both.
    """
    train = sum(each.train.documents for each in reports)
    validation = sum(each.validation.documents for each in reports)
    for number, each in enumerate(reports):
        if each.first_is_in == VALIDATION:
            return number, None if train else TRAIN
        if each.first_is_in == TRAIN:
            return number, VALIDATION if not validation and train > 1 else None
    return 0, None


class _Counts:
    """Adds up the reports of units."""

    def __init__(self, data: Data, units: Sequence[CorpusUnit]) -> None:
        holds_html = any(shard.is_html for unit in units for shard in unit.shards)
        names = [*document_steps(data.steps, is_html=holds_html), *corpus_steps(data.steps)]
        self._steps = {name: StepReport(name=name) for name in names}
        self._by_source = [SourceCounter(source) for source in data.sources]
        self._read: dict[str, Size] = defaultdict(Size)
        self._train, self._validation = Size(), Size()

    def take_clean(self, unit: CorpusUnit, report: CleanUnit) -> None:
        """Count what a unit read.

        Raises:
            UserError: its source has more bad rows than it may have.
        """
        self._by_source[unit.source].take(report.tally)
        for origin, size in report.tally.read.items():
            self._read[origin] += size
        self._merge(report.tally.steps)

    def take_split(self, unit: CorpusUnit, report: SplitUnit) -> None:
        """Count what a unit wrote."""
        self._by_source[unit.source].take_steps(report.comparisons)
        self._merge(report.comparisons)
        self._train += report.train
        self._validation += report.validation

    def report(self) -> DataReport:
        """The data report."""
        return DataReport(
            sources=dict(self._read),
            by_source=tuple(counter.report() for counter in self._by_source),
            steps=tuple(self._steps.values()),
            train=self._train,
            validation=self._validation,
        )

    def _merge(self, steps: Sequence[StepReport]) -> None:
        for step in steps:
            self._steps[step.name] = merge(self._steps[step.name], step)
