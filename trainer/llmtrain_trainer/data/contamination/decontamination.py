"""Finds the documents of a batch that hold evaluation questions, in the workers of the corpus."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache, partial
from pathlib import Path

from llmtrain_api.base import Record
from llmtrain_trainer.data.contamination.counts import Counts, count, tasks_of
from llmtrain_trainer.data.contamination.index import QuestionIndex
from llmtrain_trainer.data.contamination.search import Search
from llmtrain_trainer.data.steps.base import Dropped
from llmtrain_trainer.questions import QuestionSet
from llmtrain_trainer.units import committed

STEP = "decontaminate"
"""Its name in the data report, where it follows the steps of the manifest's list."""


@dataclass(frozen=True)
class Decontamination:
    """A search of documents, which workers carry out."""

    folder: Path
    """Holds the index of the questions."""
    removes_texts: bool

    def apply(self, source: str, texts: Sequence[str]) -> tuple[list[str | Dropped], Counts]:
        """The documents that stay, or the task by which each is dropped; and what was found.

        Args:
            source: their origin.
            texts: the documents.
        """
        search = _search(self.folder)
        matches = search.find(texts)
        counts = count(((source, text) for text in texts), matches, search.index)
        if not self.removes_texts:
            return list(texts), counts
        return [
            text if match is None else Dropped(tasks_of(match, search.index)[0])
            for text, match in zip(texts, matches, strict=True)
        ], counts


class _IndexUnit(Record):
    """The index as a unit, which has no report."""


def prepare(questions: QuestionSet, folder: Path) -> Decontamination | None:
    """Write the index that workers read; None where there are no questions.

    Args:
        questions: to search for.
        folder: where the index is made, unless it is there.
    """
    if not questions.questions:
        return None
    committed(folder, partial(_write, questions), _IndexUnit)
    return Decontamination(folder, questions.removes_texts)


def _write(questions: QuestionSet, folder: Path) -> _IndexUnit:
    QuestionIndex.of(questions.questions).write(folder)
    return _IndexUnit()


@cache
def _search(folder: Path) -> Search:
    """The search of one index, made once in each process: workers take many units."""
    return Search(QuestionIndex.read(folder))


def reasons(tasks: Sequence[str]) -> dict[str, str]:
    """Descriptions of the documents that are dropped, as in the data report."""
    return {
        f"{STEP} {task}": f"they hold questions of the evaluation task {task}" for task in tasks
    }
