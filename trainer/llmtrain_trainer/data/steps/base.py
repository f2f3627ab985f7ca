"""The base of corpus steps, which change or drop documents batch by batch."""

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar

from llmtrain_api.data_report import Kept
from llmtrain_api.spec.step_sections.base import StepSection

SectionT = TypeVar("SectionT", bound=StepSection)
Item = TypeVar("Item")
Outcome = TypeVar("Outcome")

NO_TEXT = "empty"
"""The rule by which any step drops a blank document, or one that it makes so."""


@dataclass(frozen=True)
class Instead:
    """A document that stays in the place of one that is dropped, to be shown beside it."""

    start: int
    """The place in both texts from which on they are shown."""
    kept: Kept


@dataclass(frozen=True)
class Dropped:
    """The place of a document that a step dropped."""

    rule: str
    instead: Instead | None = None


@dataclass(frozen=True)
class Judged:
    """The outcome for a document, and what the step took the document for."""

    outcome: str | Dropped
    label: str
    """Such as the code of a language."""
    score: float
    """Such as the probability of the label; a finite number."""


@dataclass(frozen=True)
class Step(ABC, Generic[SectionT]):
    """One step of a manifest's list `data.steps`.

    Args:
        section: the step's settings.
    """

    section: SectionT

    @property
    def reasons(self) -> Mapping[str, str]:
        """Descriptions of the documents that each of the step's rules drops."""
        return {}

    @property
    def placeholders(self) -> Mapping[str, str]:
        """The texts that the step writes in place of others, by what they stand for."""
        return {}

    @property
    def score_width(self) -> float:
        """Width of the bins of the scores that the step gives."""
        return 0.05


class BatchStep(Step[SectionT], Generic[SectionT, Item, Outcome]):
    """A step that is a function on batches."""

    @abstractmethod
    def prepare(self) -> Callable[[Sequence[Item]], list[Outcome]]:
        """Load what the step needs, such as a model; called once in each process.

        Returns:
            The function that is applied to every batch: it gives an outcome for each item, in
            order.
        """


TextOutcome = str | Dropped | Judged
"""The text that goes on to the next step, or `Dropped`; `Judged` holds one of them."""

DocumentStep = BatchStep[SectionT, str, TextOutcome]
"""A step that workers apply to the texts that they read. The function must be pure, so that the
result does not depend on the batches, or on who works on which."""

TextFunction = Callable[[Sequence[str]], list[TextOutcome]]
"""The function that a document step prepares."""

CorpusStep = BatchStep[SectionT, bytes, bytes | Dropped]
"""A step that compares documents by their keys. The function gets the keys of documents in the
order in which they were read, and may remember what it has seen. Several processes share the keys
among themselves; all documents with the same key come to the same one."""


def one_by_one(change: Callable[[str], TextOutcome]) -> TextFunction:
    """The function on a batch for a function on one text."""
    return lambda texts: [change(text) for text in texts]
