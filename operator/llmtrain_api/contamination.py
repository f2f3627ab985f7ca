"""Evaluation questions in training texts: the part of reports that says which were found."""

from enum import StrEnum

from pydantic import Field

from llmtrain_api.base import Record


class TextKind(StrEnum):
    """Kind of the training texts that are searched."""

    DOCUMENTS = "documents"
    CONVERSATIONS = "conversations"


class ContaminationExample(Record):
    """A training text that holds an evaluation question."""

    source: str
    """Origin of the text: a file's path, or a conversation's place."""
    excerpt: str
    """The passage that the question shares with it."""


class Contamination(Record):
    """Training texts that hold questions of one evaluation task."""

    texts: int = 0
    """Documents, or conversations."""
    found: tuple[str, ...] = ()
    """Keys of the questions that were found, sorted."""
    examples: tuple[ContaminationExample, ...] = ()
    """The first few texts."""


class TaskContamination(Contamination):
    """The search of training texts for the questions of one evaluation task."""

    task: str
    kind: TextKind
    questions: int = Field(ge=0)
    """Questions of the task."""
    unsearchable: int = Field(ge=0)
    """Questions that no text can be searched for: too short, or like many others."""
    digest: str
    """Identifies the questions."""
    removed: bool
    """Whether texts that hold a question were left out of the training."""


class ContaminationReport(Record):
    """The search of training texts for the questions of all tasks."""

    tasks: tuple[TaskContamination, ...] = ()
