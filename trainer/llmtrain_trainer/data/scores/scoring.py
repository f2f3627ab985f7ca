"""The scores of one unit's documents: the first round."""

from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np

from llmtrain_api.base import Record
from llmtrain_trainer.data.cleaning import stored_documents
from llmtrain_trainer.data.drops import dropped_row_numbers
from llmtrain_trainer.data.pipeline import is_blank
from llmtrain_trainer.data.rounds import Documents
from llmtrain_trainer.data.scores.models import Score, ScoringSection, loaded
from llmtrain_trainer.data.step_files import StepFiles
from llmtrain_trainer.units import committed

SCORES_FILE = "scores.npy"
"""An array of `SCORED`, in the order of the documents; without those that were dropped before."""
SCORED = np.dtype([("row", "<u4"), ("score", "<f4")])
BLANK = -np.inf
"""In place of the score of a document that is white space alone."""


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

    def scores_of(self, unit: int) -> Path:
        """File of a unit's scores."""
        return self.scores / self.documents.units[unit].name / SCORES_FILE


class ScoredUnit(Record):
    """Report on a unit."""

    num_scored: int


def score_unit(unit: int, task: ScoreTask) -> ScoredUnit:
    """Write the scores of a unit's documents.

    Raises:
        UserError: the model cannot be loaded, or gives no number.
    """
    return committed(task.scores_of(unit).parent, partial(_score_unit, unit, task), ScoredUnit)


def score_of(text: str, score: Score) -> float:
    """The score of a document, in which white space alone has none."""
    return BLANK if is_blank(text) else score(text)


def _score_unit(unit: int, task: ScoreTask, folder: Path) -> ScoredUnit:
    score = loaded(task.files, task.section)
    dropped = frozenset(dropped_row_numbers(task.documents.dropped, unit).tolist())
    stored = stored_documents(task.documents.units[unit])
    found = np.fromiter(
        (
            (row, score_of(text, score))
            for row, (text, _, _) in enumerate(stored)
            if row not in dropped
        ),
        SCORED,
    )
    np.save(folder / SCORES_FILE, found)
    return ScoredUnit(num_scored=len(found))
