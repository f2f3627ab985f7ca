"""A piece of a source that one task reads."""

from collections.abc import Iterator
from typing import Protocol


class Unit(Protocol):
    """Made by the driver, read by a worker, perhaps on another machine."""

    @property
    def source(self) -> str:
        """Where its documents come from, for people: a file's path."""
        ...

    @property
    def size(self) -> int:
        """How much of the whole it is, in bytes or what comes near."""
        ...

    @property
    def identity(self) -> str:
        """Changes when what it reads may have changed."""
        ...

    def documents(self) -> Iterator[str]:
        """Its texts, always in the same order.

        Raises:
            UserError: what it reads is not what it should be.
        """
        ...
