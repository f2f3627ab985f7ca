"""What a checkpoint needs of the ranks that write it together."""

from typing import Protocol, TypeVar

from pydantic import TypeAdapter

T = TypeVar("T")


class Group(Protocol):
    """The ranks of a stage. Every call is collective: all ranks make it, in the same order."""

    @property
    def rank(self) -> int:
        """This rank, from 0."""
        ...

    @property
    def size(self) -> int:
        """Number of ranks."""
        ...

    def barrier(self) -> None:
        """Wait until all ranks are here."""
        ...

    def gather(self, value: T, kind: TypeAdapter[T]) -> list[T]:
        """Every rank's value, in the order of ranks, on every rank.

        Args:
            value: of this rank.
            kind: what it is; the others' values are held against it.
        """
        ...
