"""The order in which sequences are seen: a permutation found by counting, never stored.

Sample `i` of a job is the same whatever the number of workers and however often it was restarted,
and is found in O(1): a Feistel network permutes the numbers of one epoch (Luby & Rackoff 1988),
and cycle walking keeps them below the number of sequences (Black & Rogaway 2002).
"""

import numpy as np
from numpy.typing import NDArray

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
