"""Questions of evaluation tasks, as training texts may hold them."""

import hashlib
import json
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property

from llmtrain_trainer.completion import fingerprint


@dataclass(frozen=True)
class Question:
    """One question of an evaluation task."""

    task: str
    """The task's name in the manifest."""
    texts: tuple[str, ...]
    """The question with its right answer, and parts of it that may stand alone."""

    @cached_property
    def key(self) -> str:
        """A hash of the task and the texts."""
        text = json.dumps([self.task, self.texts])
        return hashlib.blake2b(text.encode(), digest_size=8).hexdigest()


@dataclass(frozen=True)
class QuestionSet:
    """Questions that training texts are searched for."""

    questions: tuple[Question, ...]
    removes_texts: bool
    """Whether texts that hold one are left out of the training."""

    @property
    def identity(self) -> tuple[str, ...]:
        """The questions' part of a fingerprint; empty where there are none."""
        if not self.questions:
            return ()
        return questions_digest(self.questions), f"removes_texts: {self.removes_texts}"

    def by_task(self) -> dict[str, list[Question]]:
        """The different questions of each task."""
        tasks: dict[str, dict[str, Question]] = {}
        for question in self.questions:
            tasks.setdefault(question.task, {})[question.key] = question
        return {task: list(found.values()) for task, found in tasks.items()}


NO_QUESTIONS = QuestionSet((), removes_texts=False)


def questions_digest(questions: Iterable[Question]) -> str:
    """A hash of the different questions, whatever their order."""
    return fingerprint(sorted({question.key for question in questions}))
