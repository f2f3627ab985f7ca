"""Makes a corpus in rounds of the workers; only counts pass through this process."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import TypeVar

from llmtrain_api.data_report import (
    AugmentationReport,
    DataReport,
    Findings,
    Size,
    StepReport,
)
from llmtrain_api.histogram import Histogram
from llmtrain_api.spec.data import Data
from llmtrain_trainer.data.augmentation.copying import Copying, augmenters
from llmtrain_trainer.data.augmentation.parts import (
    CopyPart,
    copies_of,
    copy_part,
    copy_parts,
    total,
)
from llmtrain_trainer.data.cleaning import CleanUnit, clean
from llmtrain_trainer.data.comparison import compare_documents, comparisons
from llmtrain_trainer.data.contamination.counts import Counts, add
from llmtrain_trainer.data.contamination.decontamination import STEP, Decontamination
from llmtrain_trainer.data.identity.counting import IdentityCounts, identity_report
from llmtrain_trainer.data.metrics import corpus_metrics
from llmtrain_trainer.data.report import add_origins, merge, with_findings
from llmtrain_trainer.data.rounds import Compared, Documents
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
from llmtrain_trainer.data.step_files import StepFiles
from llmtrain_trainer.data.steps.registry import comparing_steps, document_steps
from llmtrain_trainer.data.units import CorpusUnit
from llmtrain_trainer.errors import Interrupted
from llmtrain_trainer.parallel import map_in_order
from llmtrain_trainer.stage import StageContext

Item = TypeVar("Item")
Result = TypeVar("Result")

_COMPARED = 75
_SPLIT_AND_COPIED = 100
_SPLIT_BEFORE_COPIES = 80
_SLOW_COPIES = 1000
"""Work of a byte that a model reads, in bytes that are read by other rounds."""
_PERCENT_OF_A_COMPARISON = 5


@dataclass(frozen=True)
class CorpusMaker:
    """Makes a corpus; a killed one goes on with the units that are finished.

    Args:
        units: all units, in order.
        data: the manifest's section.
        home: where finished units are.
        context: the stage's.
        files: what steps read, by their names in the data report.
        decontamination: the search for evaluation questions.
    """

    units: Sequence[CorpusUnit]
    data: Data
    home: Path
    context: StageContext
    files: Mapping[str, StepFiles] = field(default_factory=dict)
    decontamination: Decontamination | None = None

    def make(self, target: Path) -> tuple[DataReport, Counts]:
        """Fill an empty folder with `train/` and `validation/`.

        Returns:
            The data report, and evaluation questions in the documents.

        Raises:
            UserError: a source cannot be read, or has more bad rows than it may have.
            Interrupted: a stop was requested.
        """
        counts = _Counts(self.data, self.units, searched=self.decontamination is not None)
        cleaned = partial(
            clean,
            data=self.data,
            home=self._folders.clean,
            decontamination=self.decontamination,
        )
        num_kept = 0
        for unit, report in zip(
            self.units,
            self._in_order(cleaned, self.units, "cleaning documents", between=(0, self._cleaned)),
            strict=True,
        ):
            counts.take_clean(unit, report)
            num_kept += report.num_kept
            self.context.progress.log(corpus_metrics(counts.report()))
        compared = self._compare(num_kept)
        for number, steps in compared.counted:
            counts.take_comparisons(self.units[number], steps)
        counts.take_findings(compared.findings)
        parts = self._split(compared)
        folders = [split_folder(unit, self._folders, first_to) for unit, _, first_to in parts]
        copied, copies = self._copy(folders)
        for folder, (unit, part, _) in zip(folders, parts, strict=True):
            counts.take_split(unit, part)
            for side in (TRAIN, VALIDATION):
                (target / side).mkdir(exist_ok=True)
                _move(folder / side, target / side, unit.name)
        for copy in copied:
            _move(copies_of(copy, self._folders.copies), target / TRAIN, copy.name)
        return counts.report().replace(augmentation=copies), counts.contamination

    def _copy(
        self, folders: Sequence[Path]
    ) -> tuple[list[CopyPart], tuple[AugmentationReport, ...]]:
        """Make copies of training documents, where the manifest says so.

        Args:
            folders: those of all units with both splits.
        """
        if self.data.augment is None:
            return [], ()
        home = self._folders.copies
        located = {
            name: each.located(self.context) for name, each in augmenters(self.data.augment).items()
        }
        copying = Copying(located, self.context.config.seed)
        training = (folder / TRAIN for folder in folders)
        is_slow = any(each.is_slow for each in located.values())
        parts = copy_parts(zip(self.units, training, strict=True), in_slices=is_slow)
        work = partial(copy_part, copying=copying, home=home)
        between = (_SPLIT_BEFORE_COPIES, _SPLIT_AND_COPIED)
        times = _SLOW_COPIES if is_slow else 1
        reports = self._each(work, parts, "copying documents", between=between, times=times)
        return parts, total(reports)

    @property
    def _cleaned(self) -> int:
        """Percent of the stage that are done when all documents are clean."""
        count = len([*comparisons(comparing_steps(self.data.steps))])
        return _COMPARED - _PERCENT_OF_A_COMPARISON * count

    @property
    def _split_up(self) -> int:
        """Percent of the stage that are done when all documents are split."""
        return _SPLIT_AND_COPIED if self.data.augment is None else _SPLIT_BEFORE_COPIES

    @property
    def _folders(self) -> Folders:
        return Folders(self.home)

    def _compare(self, num_documents: int) -> Compared:
        compared = Compared(
            Documents(
                units=tuple(self._folders.clean / unit.name for unit in self.units),
                sources=tuple(unit.source for unit in self.units),
                count=num_documents,
            )
        )
        steps = comparing_steps(self.data.steps)
        each = partial(self._each, between=(self._cleaned, _COMPARED))
        compare_documents(compared, steps, self.files, self._folders.compared, each)
        return compared

    def _split(self, compared: Compared) -> list[tuple[CorpusUnit, SplitUnit, Side | None]]:
        work = partial(split, data=self.data, folders=self._folders, documents=compared.documents)
        between = (_COMPARED, self._split_up)
        reports = self._each(work, self.units, "writing documents", between=between)
        parts: list[tuple[CorpusUnit, SplitUnit, Side | None]] = [
            (unit, report, None) for unit, report in zip(self.units, reports, strict=True)
        ]
        number, side = _first_document(reports)
        if side is not None:
            unit = self.units[number]
            parts[number] = (unit, work(unit, first_to=side), side)
        return parts

    def _each(
        self,
        work: Callable[[Item], Result],
        items: Sequence[Item],
        activity: str,
        *,
        between: tuple[int, int],
        times: int = 1,
    ) -> list[Result]:
        """The results of a round, all of them."""
        return list(self._in_order(work, items, activity, between=between, times=times))

    def _in_order(
        self,
        work: Callable[[Item], Result],
        items: Sequence[Item],
        activity: str,
        *,
        between: tuple[int, int],
        times: int = 1,
    ) -> Iterator[Result]:
        """The results of a round, with a sign of life for each item.

        Args:
            work: as `map_in_order` takes it.
            items: parts of the input.
            activity: what is done, in words.
            between: percent of the stage that are done before and after.
            times: work of this round, in that of others.
        """
        begin, end = between
        size = times * sum(unit.size for unit in self.units)
        for number, result in enumerate(map_in_order(items, work, num_bytes=size), start=1):
            if self.context.stop.is_set():
                raise Interrupted(
                    f"stopped while {activity}; it goes on with the parts that remain"
                )
            yield result
            self.context.progress.update(
                percent=begin + (end - begin) * number / len(items),
                activity=f"{activity} (part {number} of {len(items)})",
            )


def _move(folder: Path, target: Path, name: str) -> None:
    """Move files of documents, with the name of their unit or part in theirs."""
    for file in sorted(folder.glob("*.parquet")):
        file.rename(target / f"part-{name}-{file.name[len('part-') :]}")


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

    def __init__(self, data: Data, units: Sequence[CorpusUnit], *, searched: bool) -> None:
        holds_html = any(shard.is_html for unit in units for shard in unit.shards)
        names = [
            *document_steps(data.steps, is_html=holds_html),
            *([STEP] if searched else []),
            *comparing_steps(data.steps),
        ]
        self._steps = {name: StepReport(name=name) for name in names}
        self._by_source = [SourceCounter(source) for source in data.sources]
        self._read: dict[str, Size] = {}
        self._train, self._validation = Size(), Size()
        self._kept_lengths = Histogram()
        self._identity: list[IdentityCounts] = []
        self._findings: Mapping[str, Findings] = {}
        self.contamination: Counts = {}

    def take_clean(self, unit: CorpusUnit, report: CleanUnit) -> None:
        """Count what a unit read.

        Raises:
            UserError: its source has more bad rows than it may have.
        """
        self._by_source[unit.source].take(report.tally)
        self._read = add_origins(self._read, report.tally.read)
        self._merge(report.tally.steps)
        self.contamination = add(self.contamination, report.tally.contamination)

    def take_split(self, unit: CorpusUnit, report: SplitUnit) -> None:
        """Count what a unit wrote."""
        self.take_comparisons(unit, report.comparisons)
        self._by_source[unit.source].take_kept(report.train + report.validation, report.groups)
        self._identity.append(report.identity)
        self._train += report.train
        self._validation += report.validation
        self._kept_lengths += report.lengths

    def take_comparisons(self, unit: CorpusUnit, steps: Sequence[StepReport]) -> None:
        """Count what steps that compare documents did to those of a unit."""
        self._by_source[unit.source].take_steps(steps)
        self._merge(steps)

    def take_findings(self, findings: Mapping[str, Findings]) -> None:
        """Keep what steps found in all documents together, by the names of the steps."""
        self._findings = findings

    def report(self) -> DataReport:
        """The data report."""
        return DataReport(
            sources=self._read,
            by_source=tuple(counter.report() for counter in self._by_source),
            steps=tuple(
                with_findings(step, self._findings.get(name)) for name, step in self._steps.items()
            ),
            identity=identity_report(self._identity),
            train=self._train,
            validation=self._validation,
            kept_lengths=self._kept_lengths,
        )

    def _merge(self, steps: Sequence[StepReport]) -> None:
        for step in steps:
            self._steps[step.name] = merge(self._steps[step.name], step)
