"""Several sources of sequences, mixed by weights."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from functools import cached_property
from itertools import accumulate

import numpy as np
from numpy.typing import NDArray

from llmtrain_planner.interleave import Interleave
from llmtrain_trainer.training.samples import SampleOrder


@dataclass(frozen=True)
class MixedSource:
    """Neighbouring sequences of one source."""

    num_sequences: int
    """In one epoch; 1 or more."""
    weight: Fraction
    limit: int | None
    """Most sequences to train on, repeated ones included; 1 or more; None for no limit."""


class Mixture:
    """The stream of sequence numbers of several sources: an interleave of the streams of each.

    Each source has its own epochs, each a permutation by seed and epoch. As in `SampleOrder`, a
    position is found without those before it, whatever the number of workers.

    Args:
        sources: in the order of their sequences.
        seed: the job's.
    """

    def __init__(self, sources: Sequence[MixedSource], seed: int) -> None:
        self._sources = tuple(sources)
        sizes = [source.num_sequences for source in sources]
        self._first_numbers = [*accumulate(sizes, initial=0)]
        self._orders = [SampleOrder(size, seed) for size in sizes]
        self._interleave = Interleave(
            [source.weight for source in sources], [source.limit for source in sources]
        )

    def __len__(self) -> int:
        """Sequences of all sources, each counted once."""
        return self._first_numbers[-1]

    @property
    def limits(self) -> tuple[int | None, ...]:
        """Most sequences of each source."""
        return tuple(source.limit for source in self._sources)

    @property
    def length(self) -> int | None:
        """Sequences of the stream; None where it has no end."""
        return self._interleave.length

    def at(self, positions: NDArray[np.int64]) -> NDArray[np.int64]:
        """The sequence numbers at these positions of the stream, counted from 0; same shape."""
        draws = [self._interleave.draw(position) for position in positions.ravel().tolist()]
        drawn = np.array(draws, dtype=np.int64).reshape(*positions.shape, 2)
        numbers = np.empty_like(drawn[..., 0])
        for source, order in enumerate(self._orders):
            chosen = drawn[..., 0] == source
            numbers[chosen] = self._first_numbers[source] + order.at(drawn[chosen, 1])
        return numbers

    def counts(self, length: int) -> tuple[int, ...]:
        """Sequences of each source among the first `length` of the stream."""
        return self._interleave.counts(length)

    def epochs(self, counts: Sequence[int]) -> list[float]:
        """Epochs of each source that as many of its sequences are."""
        sizes = (source.num_sequences for source in self._sources)
        return [count / size for count, size in zip(counts, sizes, strict=True)]

    @cached_property
    def fingerprint(self) -> str:
        """All that decides the stream, apart from the seed."""
        total = sum(source.weight for source in self._sources)
        shares = [
            (source.num_sequences, str(source.weight / total), source.limit)
            for source in self._sources
        ]
        return json.dumps(shares)
