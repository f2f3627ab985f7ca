"""Rows that cannot be used: skipped and counted, up to a source's `maxBadRows`."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from typing import TypeVar

from llmtrain_trainer.errors import UserError

Raw = TypeVar("Raw")
Row = TypeVar("Row")

_NUM_EXAMPLES = 3


@dataclass
class BadRows:
    """Counts the rows of one source that could not be used.

    Args:
        limit: the source's `maxBadRows`.
    """

    limit: int
    count: int = 0
    examples: list[str] = field(default_factory=list)
    """File, line and fault of the first few."""
    _new_count: int = 0
    _new_examples: list[str] = field(default_factory=list)

    def usable(
        self, rows: Iterable[tuple[str, Raw]], parse: Callable[[Raw, str], Row]
    ) -> Iterator[Row]:
        """The rows that can be parsed; the others are counted.

        Args:
            rows: places (`raw/a.jsonl: line 3`) and what stands there.
            parse: takes a row and its place, and raises `UserError` where the row is bad.

        Raises:
            UserError: there are more bad rows than the limit.
        """
        for place, raw in rows:
            try:
                row = parse(raw, place)
            except UserError as error:
                self.add(1, [error.message])
                continue
            yield row

    def add(self, count: int, examples: Iterable[str]) -> None:
        """Count bad rows.

        Args:
            count: how many.
            examples: what was wrong with some of them, at least one.

        Raises:
            UserError: there are more bad rows than the limit.
        """
        examples = list(examples)
        self.count += count
        self._new_count += count
        self._new_examples = [*self._new_examples, *examples][:_NUM_EXAMPLES]
        self.examples = [*self.examples, *examples][:_NUM_EXAMPLES]
        if self.count > self.limit:
            last = examples[-1]
            if self.limit:
                last += f" (bad row {self.count} of this source; maxBadRows is {self.limit})"
            raise UserError(last, reason="InvalidData")

    def drain(self) -> tuple[int, tuple[str, ...]]:
        """How many rows were counted since the last call, and what was wrong with some of them."""
        new = self._new_count, tuple(self._new_examples)
        self._new_count, self._new_examples = 0, []
        return new
