"""What a checkpoint needs of the ranks that write it together."""

from typing import Protocol, TypeVar

T = TypeVar("T")


class Group(Protocol):
    """The ranks of a stage. Every call is collective: all ranks make it, in the same order."""

    @property
    def rank(self) -> int:
        """This rank, from 0."""
        ...

    @property
    def world_size(self) -> int:
        """Number of ranks."""
        ...

    def gather(self, value: T) -> list[T]:
        """Every rank's value, in the order of ranks, on every rank."""
        ...


class Alone:
    """A group of one."""

    rank = 0
    world_size = 1

    def gather(self, value: T) -> list[T]:
        """The only value there is."""
        return [value]
