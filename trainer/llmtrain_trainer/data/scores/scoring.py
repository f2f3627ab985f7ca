"""The scores of documents, a part of a unit at a time: the first round."""

from dataclasses import dataclass
from functools import partial
from itertools import islice
from pathlib import Path

import numpy as np

from llmtrain_api.base import Record
from llmtrain_trainer.data.cleaning import stored_documents
from llmtrain_trainer.data.documents import is_blank
from llmtrain_trainer.data.drops import dropped_row_numbers
from llmtrain_trainer.data.rounds import Documents
from llmtrain_trainer.data.scores.models import Score, ScoringSection, loaded
from llmtrain_trainer.data.shuffle import num_documents
from llmtrain_trainer.data.step_files import StepFiles
from llmtrain_trainer.units import committed

SCORES_FILE = "scores.npy"
"""An array of `SCORED`, in the order of the documents; without those that were dropped before."""
SCORED = np.dtype([("row", "<u4"), ("score", "<f4")])
_SLICE_DOCUMENTS = 256
"""Documents that a network scores in some minutes."""
_NUM_SLICES = 2**16
"""Slices of a large corpus, about: the driver holds a few bytes about each."""
BLANK = -np.inf
"""In place of the score of a blank document."""


@dataclass(frozen=True)
class ScoreTask:
    """A step that scores documents, as workers get it."""

    name: str
    """The step's name in the data report."""
    section: ScoringSection
    files: StepFiles
    documents: Documents
    home: Path
    """Folder of all that this step makes."""

    @property
    def scores(self) -> Path:
        """Folder of the units' scores."""
        return self.home / "scores"

    @property
    def choice(self) -> Path:
        """Folder of what is dropped."""
        return self.home / "choice"

    def slices(self, unit: int) -> list["Slice"]:
        """The parts of a unit, in order.

        A network takes hours for a whole unit: without a sign of life it would count as hanging.
        """
        count = num_documents(self.documents.units[unit])
        longest = count
        if self.files.path.is_dir():
            longest = max(_SLICE_DOCUMENTS, self.documents.count // _NUM_SLICES)
        starts = range(0, max(count, 1), max(longest, 1))
        return [Slice(unit, start, min(start + longest, count)) for start in starts]

    def scores_of(self, part: "Slice") -> Path:
        """File of the scores of a part of a unit."""
        unit = self.documents.units[part.unit].name
        return self.scores / f"{unit}-{part.start:06}" / SCORES_FILE


@dataclass(frozen=True)
class Slice:
    """Documents of a unit that one worker scores at a time."""

    unit: int
    start: int
    """Row of the first."""
    stop: int


class ScoredSlice(Record):
    """Report on a part of a unit."""

    num_scored: int


def score_slice(part: Slice, task: ScoreTask) -> ScoredSlice:
    """Write the scores of a part of a unit.

    Raises:
        UserError: the model cannot be loaded, or gives no number.
    """
    return committed(task.scores_of(part).parent, partial(_score_slice, part, task), ScoredSlice)


def score_of(text: str, score: Score) -> float:
    """The score of a document; a blank one has none."""
    return BLANK if is_blank(text) else score(text)


def _score_slice(part: Slice, task: ScoreTask, folder: Path) -> ScoredSlice:
    score = loaded(task.files, task.section)
    dropped = frozenset(dropped_row_numbers(task.documents.dropped, part.unit).tolist())
    stored = stored_documents(task.documents.units[part.unit])
    found = np.fromiter(
        (
            (row, score_of(text, score))
            for row, (text, _, _) in islice(enumerate(stored), part.start, part.stop)
            if row not in dropped
        ),
        SCORED,
    )
    np.save(folder / SCORES_FILE, found)
    return ScoredSlice(num_scored=len(found))
