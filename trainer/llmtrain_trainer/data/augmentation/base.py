"""The base of the ways of changing documents."""

from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass
from typing import ClassVar, Generic, Self, TypeVar

from numpy.random import Generator

from llmtrain_api.spec.augmentation import Way
from llmtrain_trainer.stage import StageContext

SectionT = TypeVar("SectionT", bound=Way)


@dataclass(frozen=True)
class Left:
    """The place of a copy that is not made."""

    rule: str


UNCHANGED = Left("unchanged")
"""There was nothing to change."""
REPEATED = Left("repeated")
"""Another copy of the document is the same."""

CopyFunction = Callable[[str, Generator], str | Left]
"""Makes a copy of a document with changes that depend on the document and the random numbers alone.
A copy that equals the document counts as unchanged."""


@dataclass(frozen=True)
class Augmenter(ABC, Generic[SectionT]):
    """One way of a manifest's list `data.augment`.

    Args:
        section: the way's settings.
        field: the manifest's field of the way, for messages.
    """

    section: SectionT
    field: str

    is_slow: ClassVar[bool] = False
    """Whether a copy takes a second, and not a millisecond."""

    def identity(self, context: StageContext) -> str:  # noqa: ARG002 - for ways with files
        """The state of the files that the way reads, for fingerprints.

        Raises:
            UserError: they are missing, or not what they should be.
        """
        return ""

    def located(self, context: StageContext) -> Self:  # noqa: ARG002 - for ways with files
        """The same way with the places of its files on this machine, as workers need it.

        Raises:
            UserError: they are missing, or not what they should be.
        """
        return self

    @abstractmethod
    def prepare(self) -> CopyFunction:
        """Load what the way needs, such as a dictionary; called once in each process.

        Raises:
            UserError: it cannot be read.
        """
