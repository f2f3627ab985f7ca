"""Writes the documents of one unit that stay, for training and for validation."""

from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Literal

from pydantic import Field

from llmtrain_api.base import Record
from llmtrain_api.data_report import GroupReport, Size, StepReport
from llmtrain_api.histogram import Histogram
from llmtrain_api.spec.data import Data
from llmtrain_trainer.data.cleaning import stored_documents
from llmtrain_trainer.data.documents import DocumentWriter, is_held_out
from llmtrain_trainer.data.drops import count_drop, dropped_rows
from llmtrain_trainer.data.groups import Groups, count_groups, read_groups
from llmtrain_trainer.data.identity.counting import IdentityCounter, IdentityCounts
from llmtrain_trainer.data.report import StepCounter, num_bytes
from llmtrain_trainer.data.rounds import Documents
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
    """Steps that compare documents and were not counted yet, in their order."""
    lengths: Histogram = Histogram()
    """Documents of both sides by their bytes."""
    groups: dict[str, dict[str, GroupReport]] = Field(default_factory=dict)
    """Documents of both sides by script, and by what steps took them for."""
    first_is_in: Side | None
    """The side of the first document; None where none is left."""
    identity: IdentityCounts
    """How its documents speak of people."""


def split(
    unit: CorpusUnit,
    data: Data,
    folders: Folders,
    documents: Documents,
    *,
    first_to: Side | None = None,
) -> SplitUnit:
    """Write the documents of a clean unit, without those that a comparison drops.

    Args:
        unit: the unit.
        data: the manifest's section.
        folders: where the parts of the corpus are made.
        documents: all documents after all comparisons.
        first_to: side of the first document; by its key if None.
    """
    work = partial(_split, unit, data, documents, first_to)
    return committed(split_folder(unit, folders, first_to), work, SplitUnit)


def split_folder(unit: CorpusUnit, folders: Folders, first_to: Side | None) -> Path:
    """The folder of a unit for training and validation."""
    return folders.split / (f"{unit.name}-{first_to}" if first_to else unit.name)


def _split(
    unit: CorpusUnit,
    data: Data,
    documents: Documents,
    first_to: Side | None,
    folder: Path,
) -> SplitUnit:
    counters = [StepCounter(name) for name in documents.uncounted]
    dropped = dropped_rows(documents.dropped, unit.number)
    identity = IdentityCounter(documents.count)
    first: Side | None = None
    lengths: list[int] = []
    groups = read_groups(documents.units[unit.number])
    kept: list[Groups] = []
    with (
        DocumentWriter(folder / TRAIN, unit.source) as train,
        DocumentWriter(folder / VALIDATION, unit.source) as validation,
    ):
        stored = stored_documents(documents.units[unit.number])
        for row, (text, source, key) in enumerate(stored):
            drop = dropped.get(row)
            count_drop(counters, source, text, drop)
            if drop is not None:
                continue
            side = VALIDATION if is_held_out(key, data.validation_fraction) else TRAIN
            if first is None:
                first = side = first_to or side
            (train if side == TRAIN else validation).write(text, source)
            lengths.append(num_bytes(text))
            kept.append(groups[row])
            identity.count(text, key)
    return SplitUnit(
        train=train.written,
        validation=validation.written,
        comparisons=tuple(counter.report() for counter in counters),
        lengths=Histogram.doubling(lengths),
        groups=count_groups(kept=kept),
        first_is_in=first,
        identity=identity.counts(),
    )
