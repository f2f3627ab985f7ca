"""The rounds that score documents and choose among them."""

from collections.abc import Iterable, Iterator
from functools import partial
from itertools import groupby
from pathlib import Path
from typing import BinaryIO

import numpy as np
from numpy.lib import format as npy
from numpy.typing import NDArray

from llmtrain_api.base import Record
from llmtrain_api.data_report import Findings, ScoredExample
from llmtrain_api.histogram import Histogram
from llmtrain_trainer.data.cleaning import DOCUMENTS
from llmtrain_trainer.data.documents import documents_at
from llmtrain_trainer.data.drops import DROP, DropFile, Rule, load_array
from llmtrain_trainer.data.report import excerpt
from llmtrain_trainer.data.rounds import Compared, Each
from llmtrain_trainer.data.scores.choice import RULES, STAYS, Choice, Scores, is_by_source
from llmtrain_trainer.data.scores.histogram import Spread, bin_width
from llmtrain_trainer.data.scores.models import ScoringSection
from llmtrain_trainer.data.scores.scoring import ScoreTask, score_slice
from llmtrain_trainer.data.step_files import StepFiles
from llmtrain_trainer.units import committed

_DROPS_FILE = "drops.npy"


class ChosenDocuments(Record):
    """Report on the choice."""

    scores: Histogram
    scored: tuple[ScoredExample, ...]


def choose_by_score(
    compared: Compared, name: str, section: ScoringSection, files: StepFiles, home: Path, each: Each
) -> None:
    """Drop documents by their scores.

    Args:
        compared: what was found so far.
        name: the step's name in the data report.
        section: the step's settings.
        files: the model.
        home: folder of all that is made.
        each: carries out a round.
    """
    task = ScoreTask(name, section, files, compared.documents, home)
    units = range(len(task.documents.units))
    slices = [part for unit in units for part in task.slices(unit)]
    each(partial(score_slice, task=task), slices, "scoring documents")
    (report,) = each(_choose, [task], "choosing documents by their scores")
    rules = tuple(Rule(step=name, rule=rule) for rule in RULES)
    dropped = DropFile(task.choice / _DROPS_FILE, rules)
    compared.documents = compared.documents.after(name, [dropped])
    compared.findings[name] = Findings(scores=report.scores, scored=report.scored)


def _choose(task: ScoreTask) -> ChosenDocuments:
    return committed(task.choice, partial(_write_choice, task), ChosenDocuments)


def _write_choice(task: ScoreTask, folder: Path) -> ChosenDocuments:
    """Write the documents that are dropped, unit by unit."""
    units = range(len(task.documents.units))
    spread = Spread(bin_width(partial(_scores_of, units, task)))
    with (folder / _DROPS_FILE).open("wb") as file:
        _write_header(file, 0)
        total = 0
        by_source = is_by_source(task.section)
        for _, group in groupby(units, lambda unit: by_source and task.documents.sources[unit]):
            inside = list(group)
            choice = Choice(task.section, partial(_scores_of, inside, task))
            for unit, (rows, scores) in zip(inside, _stored(inside, task), strict=True):
                rules = choice.take(scores)
                stays = rules == STAYS
                spread.count(unit, rows, scores)
                drops = np.zeros(int((~stays).sum()), DROP)
                drops["unit"], drops["row"], drops["rule"] = unit, rows[~stays], rules[~stays]
                file.write(drops.tobytes())
                total += len(drops)
        file.seek(0)
        _write_header(file, total)
    return ChosenDocuments(scores=spread.histogram, scored=tuple(_examples(spread, task)))


def _write_header(file: BinaryIO, count: int) -> None:
    """The beginning of an array's file; numpy leaves room for any number of rows."""
    descr = npy.dtype_to_descr(DROP)
    npy.write_array_header_1_0(file, {"descr": descr, "fortran_order": False, "shape": (count,)})


def _stored(units: Iterable[int], task: ScoreTask) -> Iterator[tuple[NDArray[np.uint32], Scores]]:
    """Rows and scores of the documents of each unit."""
    for unit in units:
        stored = np.concatenate([load_array(task.scores_of(part)) for part in task.slices(unit)])
        yield np.array(stored["row"]), np.array(stored["score"])


def _scores_of(units: Iterable[int], task: ScoreTask) -> Iterator[Scores]:
    return (scores for _, scores in _stored(units, task))


def _examples(spread: Spread, task: ScoreTask) -> Iterator[ScoredExample]:
    """The first document in each bin."""
    for _, (unit, row, score) in sorted(spread.firsts.items()):
        ((text, source),) = documents_at(task.documents.units[unit] / DOCUMENTS, [row])
        yield ScoredExample(score=score, source=source, excerpt=excerpt(text))
