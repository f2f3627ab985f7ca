"""What the training loop reads: sequences by number."""

from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

IGNORED = -100
"""The label of a position whose prediction does not count."""


@dataclass(frozen=True)
class Batch:
    """Sequences, as arrays of shape (B, T): B sequences of T positions."""

    input_ids: NDArray[np.int64]
    labels: NDArray[np.int64]
    """The token that each position must predict, already shifted: `labels[b, t]` follows
    `input_ids[b, t]`; `IGNORED` where it does not count."""
    segments: NDArray[np.int64] | None = None
    """Document of its sequence that a position belongs to, counted from 0; -1 for padding at the
    end. None where no sequence holds more than one document."""


class Samples(Protocol):
    """Sequences of one length, found by number."""

    def __len__(self) -> int:
        """Sequences in one epoch."""
        ...

    def batch(self, indices: NDArray[np.int64]) -> Batch:
        """The sequences with these numbers, each in [0, len)."""
        ...

    def label_counts(self, indices: NDArray[np.int64]) -> NDArray[np.int64]:
        """Labels that count, for each of these sequences; shape (len(indices),)."""
        ...


class FirstSamples:
    """The first few of other samples.

    Args:
        samples: all of them.
        limit: how many to keep, at most.
    """

    def __init__(self, samples: Samples, limit: int) -> None:
        self._samples = samples
        self._limit = limit

    def __len__(self) -> int:
        """Sequences that are left."""
        return min(len(self._samples), self._limit)

    def batch(self, indices: NDArray[np.int64]) -> Batch:
        """The sequences with these numbers, each in [0, len)."""
        return self._samples.batch(indices)

    def label_counts(self, indices: NDArray[np.int64]) -> NDArray[np.int64]:
        """Labels that count, for each of these sequences."""
        return self._samples.label_counts(indices)
