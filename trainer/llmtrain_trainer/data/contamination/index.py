"""An index of evaluation questions by the sequences of words that give one away.

A question is found by any 13 words in a row (Brown et al. 2020, appendix C), one of 8 to 12 words
by all of them. What many questions of a task have in common is the task's template.
"""

import json
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Self

import numpy as np
from numpy.typing import NDArray

from llmtrain_trainer.data.contamination.words import (
    Windows,
    split_normal,
    word_hashes,
    word_scale,
)
from llmtrain_trainer.data.powers import Hashes
from llmtrain_trainer.questions import Question

_WORDS = 13
_FEWEST_WORDS = 8
_TEMPLATE_QUESTIONS = 10
"""A sequence of words in more questions than this belongs to a template."""
_FEW_QUESTIONS = 3
"""Fewer questions than this may have anything in common."""
_HASHES_FILE, _OWNERS_FILE, _QUESTIONS_FILE = "hashes.npy", "owners.npy", "questions.json"


@dataclass(frozen=True)
class QuestionIndex:
    """Sequences of words, and the question that each is from."""

    tasks: tuple[str, ...]
    """The task of each question."""
    keys: tuple[str, ...]
    """The key of each question."""
    lengths: tuple[int, ...]
    """Numbers of words in a sequence."""
    hashes: Hashes
    """Hashes of sequences, sorted; one stands there for each question that has it."""
    owners: NDArray[np.uint32]
    """The number of the question of each hash."""

    @classmethod
    def of(cls, questions: Sequence[Question]) -> Self:
        """The index of some questions; equal ones are one."""
        different = list({question.key: question for question in questions}.values())
        lengths: set[int] = set()
        hashes, owners = [np.zeros(0, np.uint64)], [np.zeros(0, np.uint32)]
        for number, question in enumerate(different):
            for length, found in _sequences(question):
                lengths.add(length)
                hashes.append(found)
                owners.append(np.full(len(found), number, dtype=np.uint32))
        tasks = tuple(question.task for question in different)
        kept = _without_templates(np.concatenate(hashes), np.concatenate(owners), tasks)
        return cls(tasks, tuple(each.key for each in different), tuple(sorted(lengths)), *kept)

    def write(self, folder: Path) -> None:
        """Write the index to an empty folder."""
        np.save(folder / _HASHES_FILE, self.hashes)
        np.save(folder / _OWNERS_FILE, self.owners)
        names = {"tasks": self.tasks, "keys": self.keys, "lengths": self.lengths}
        (folder / _QUESTIONS_FILE).write_text(json.dumps(names), encoding="utf-8")

    @classmethod
    def read(cls, folder: Path) -> Self:
        """The index in a folder."""
        names = json.loads((folder / _QUESTIONS_FILE).read_text(encoding="utf-8"))
        return cls(
            tuple(names["tasks"]),
            tuple(names["keys"]),
            tuple(names["lengths"]),
            np.load(folder / _HASHES_FILE, allow_pickle=False),
            np.load(folder / _OWNERS_FILE, allow_pickle=False),
        )

    @property
    def num_searchable(self) -> Counter[str]:
        """Questions of each task that have a sequence of their own."""
        return Counter(self.tasks[owner] for owner in np.unique(self.owners))


def _sequences(question: Question) -> Iterator[tuple[int, Hashes]]:
    """The sequences of words that give a question away: their lengths and hashes."""
    for text in question.texts:
        words = split_normal(text)
        scale = word_scale(words)
        if len(words) >= scale * _FEWEST_WORDS:
            length = min(scale * _WORDS, len(words))
            yield length, Windows(word_hashes(words)).of_length(length)


def _without_templates(
    hashes: Hashes, owners: NDArray[np.uint32], tasks: Sequence[str]
) -> tuple[Hashes, NDArray[np.uint32]]:
    """Hashes of sequences, sorted, that few questions have in common; and their owners."""
    names = {task: number for number, task in enumerate(dict.fromkeys(tasks))}
    task_of = np.array([names[task] for task in tasks], dtype=np.uint32)
    sizes = np.bincount(task_of, minlength=1)
    limits = np.clip(sizes // 2, _FEW_QUESTIONS, _TEMPLATE_QUESTIONS)
    order = np.lexsort((owners, hashes))
    hashes, owners = hashes[order], owners[order]
    is_new = np.ones(len(hashes), dtype=np.bool_)
    is_new[1:] = (hashes[1:] != hashes[:-1]) | (owners[1:] != owners[:-1])
    hashes, owners = hashes[is_new], owners[is_new]
    _, which, counts = np.unique(hashes, return_inverse=True, return_counts=True)
    pairs = which.astype(np.uint64) * np.uint64(len(sizes)) + task_of[owners]
    _, pair, in_task = np.unique(pairs, return_inverse=True, return_counts=True)
    own = (counts[which] <= _TEMPLATE_QUESTIONS) & (in_task[pair] <= limits[task_of[owners]])
    return hashes[own], owners[own]
