"""A piece of a source that one task reads."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Protocol

from llmtrain_trainer.data.rows import BadRows


class Shard(Protocol):
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
    def is_html(self) -> bool:
        """Whether all of its documents are HTML, whatever they look like."""
        ...

    @property
    def identity(self) -> str:
        """Changes when what it reads may have changed."""
        ...

    def documents(self, bad_rows: BadRows) -> Iterator[str]:
        """Its texts, always in the same order.

        Args:
            bad_rows: counts the rows that hold no text.

        Raises:
            UserError: what it reads is not what it should be.
        """
        ...


@dataclass(frozen=True)
class SourceShard:
    """A shard, and the source of the manifest that it belongs to."""

    shard: Shard
    number: int
    """Position of the source in the manifest's `data.sources`."""
