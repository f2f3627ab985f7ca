"""Writes the documents of one unit that stay, for training and for validation."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Literal

from llmtrain_api.base import Record
from llmtrain_api.data_report import Size, StepReport
from llmtrain_api.histogram import Histogram
from llmtrain_api.spec.data import Data
from llmtrain_trainer.data.cleaning import DOCUMENTS
from llmtrain_trainer.data.documents import DocumentWriter, is_held_out, row_groups
from llmtrain_trainer.data.drops import DropFile, dropped_rows
from llmtrain_trainer.data.pipeline import Drop
from llmtrain_trainer.data.report import StepCounter, num_bytes
from llmtrain_trainer.data.shuffle import read_keys
from llmtrain_trainer.data.steps.registry import comparing_steps
from llmtrain_trainer.data.units import CorpusUnit
from llmtrain_trainer.units import committed

Side = Literal["train", "validation"]
TRAIN: Side = "train"
VALIDATION: Side = "validation"


@dataclass(frozen=True)
class Folders:
    """The folders of a corpus's units, one for each round."""

    home: Path

    @property
    def clean(self) -> Path:
        """Clean units."""
        return self.home / "clean"

    @property
    def compared(self) -> Path:
        """Comparisons of the documents."""
        return self.home / "compared"

    @property
    def split(self) -> Path:
        """Units for training and validation."""
        return self.home / "split"

    @property
    def copies(self) -> Path:
        """Copies of training documents."""
        return self.home / "copies"


class SplitUnit(Record):
    """Report on the documents of a unit that stay."""

    train: Size
    validation: Size
    comparisons: tuple[StepReport, ...]
    """Steps that compare documents, in their order."""
    lengths: Histogram = Histogram()
    """Documents of both sides by their bytes."""
    first_is_in: Side | None
    """The side of the first document; None where none is left."""


def split(
    unit: CorpusUnit,
    data: Data,
    folders: Folders,
    dropped: Sequence[DropFile],
    *,
    first_to: Side | None = None,
) -> SplitUnit:
    """Write the documents of a clean unit, without those that a comparison drops.

    Args:
        unit: the unit.
        data: the manifest's section.
        folders: where clean units and parts of the corpus are.
        dropped: what all comparisons drop.
        first_to: side of the first document; by its key if None.
    """
    work = partial(_split, unit, data, folders, dropped, first_to)
    return committed(split_folder(unit, folders, first_to), work, SplitUnit)


def split_folder(unit: CorpusUnit, folders: Folders, first_to: Side | None) -> Path:
    """The folder of a unit for training and validation."""
    return folders.split / (f"{unit.name}-{first_to}" if first_to else unit.name)


def _split(
    unit: CorpusUnit,
    data: Data,
    folders: Folders,
    files: Sequence[DropFile],
    first_to: Side | None,
    folder: Path,
) -> SplitUnit:
    counters = [StepCounter(name) for name in comparing_steps(data.steps)]
    dropped = dropped_rows(files, unit.number)
    first: Side | None = None
    lengths: list[int] = []
    with (
        DocumentWriter(folder / TRAIN, unit.source) as train,
        DocumentWriter(folder / VALIDATION, unit.source) as validation,
    ):
        documents = _documents(folders.clean / unit.name)
        for row, (text, source, key) in enumerate(documents):
            drop = dropped.get(row)
            _count(counters, source, text, drop)
            if drop is not None:
                continue
            side = VALIDATION if is_held_out(key, data.validation_fraction) else TRAIN
            if first is None:
                first = side = first_to or side
            (train if side == TRAIN else validation).write(text, source)
            lengths.append(num_bytes(text))
    return SplitUnit(
        train=train.written,
        validation=validation.written,
        comparisons=tuple(counter.report() for counter in counters),
        lengths=Histogram.doubling(lengths),
        first_is_in=first,
    )


def _documents(folder: Path) -> Iterator[tuple[str, str, bytes]]:
    """Text, source and key of each document of a clean unit."""
    keys = iter(read_keys(folder))
    for group in row_groups(folder / DOCUMENTS):
        for text, source in zip(group.texts(), group.sources(), strict=True):
            yield text, source, next(keys)


def _count(counters: Sequence[StepCounter], source: str, text: str, drop: Drop | None) -> None:
    for counter in counters:
        if drop is not None and drop.step == counter.name:
            counter.count(source, text, drop.dropped)
            return
        counter.count(source, text, text)
