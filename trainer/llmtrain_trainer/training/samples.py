"""Samples of the training loop, their order, and the random numbers of each step.

Sample `i` of a job is the same whatever the number of workers and however often it was restarted,
and is found in O(1): a Feistel network permutes the numbers of one epoch (Luby & Rackoff 1988),
and cycle walking keeps them below the number of sequences (Black & Rogaway 2002).
"""

import hashlib
from dataclasses import dataclass
from typing import Protocol

import numpy as np
import torch
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


class SpreadSamples:
    """A few of other samples, at even distances, so that every source has its share of them.

    Args:
        samples: all of them.
        limit: how many to take, at most.
    """

    def __init__(self, samples: Samples, limit: int) -> None:
        self._samples = samples
        self._count = min(len(samples), limit)

    def __len__(self) -> int:
        """Sequences that are taken."""
        return self._count

    def batch(self, indices: NDArray[np.int64]) -> Batch:
        """The sequences with these numbers, each in [0, len)."""
        return self._samples.batch(self._places(indices))

    def label_counts(self, indices: NDArray[np.int64]) -> NDArray[np.int64]:
        """Labels that count, for each of these sequences."""
        return self._samples.label_counts(self._places(indices))

    def _places(self, indices: NDArray[np.int64]) -> NDArray[np.int64]:
        """Numbers among all samples."""
        return indices * len(self._samples) // self._count


class Order(Protocol):
    """A stream of sequence numbers, found by position."""

    def at(self, positions: NDArray[np.int64]) -> NDArray[np.int64]:
        """The sequence numbers at these positions of the stream, counted from 0; same shape."""
        ...


_ROUNDS = 6


def _mix(values: NDArray[np.uint64]) -> NDArray[np.uint64]:
    """Scatter 64-bit values (the finalizer of SplitMix64, Steele et al. 2014)."""
    values = (values ^ (values >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    values = (values ^ (values >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return values ^ (values >> np.uint64(31))


class SampleOrder:
    """The endless stream of sequence numbers: every epoch a new permutation of all of them.

    Args:
        num_sequences: sequences in an epoch.
        seed: the job's.
    """

    def __init__(self, num_sequences: int, seed: int) -> None:
        assert num_sequences > 0
        self._num_sequences = num_sequences
        self._seed = seed
        # Two halves of equal width that together can hold every number.
        self._half_bits = max(1, -(-(num_sequences - 1).bit_length() // 2))

    def at(self, positions: NDArray[np.int64]) -> NDArray[np.int64]:
        """The sequence numbers at these positions of the stream, counted from 0; same shape."""
        epochs, offsets = np.divmod(positions.astype(np.uint64), np.uint64(self._num_sequences))
        numbers = self._permute(offsets, epochs)
        while (outside := numbers >= self._num_sequences).any():
            numbers[outside] = self._permute(numbers[outside], epochs[outside])
        return numbers.astype(np.int64)

    def _permute(
        self, numbers: NDArray[np.uint64], epochs: NDArray[np.uint64]
    ) -> NDArray[np.uint64]:
        bits = np.uint64(self._half_bits)
        mask = np.uint64((1 << self._half_bits) - 1)
        left, right = numbers >> bits, numbers & mask
        for round_number in range(_ROUNDS):
            key = _mix(epochs + np.uint64((self._seed << 8) + round_number + 1))
            left, right = right, left ^ (_mix(right + key) & mask)
        return (left << bits) | right


def step_positions(step: int, batch_sequences: int) -> NDArray[np.int64]:
    """The positions in the stream that optimizer step `step` (from 0) reads, over all workers."""
    return np.arange(step * batch_sequences, (step + 1) * batch_sequences, dtype=np.int64)


def seed_step(seed: int, step: int, stream: int) -> None:
    """Seed every generator of torch for one optimizer step.

    Args:
        seed: the job's.
        step: the optimizer step, from 0.
        stream: ranks of the same stream draw the same numbers.
    """
    digest = hashlib.blake2b(f"{seed}/{step}/{stream}".encode(), digest_size=8).digest()
    torch.manual_seed(int.from_bytes(digest, "little") >> 1)  # CUDA's generators too
