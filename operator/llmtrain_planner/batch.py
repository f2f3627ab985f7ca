"""How an optimizer step's sequences are shared out over workers and forward passes."""

from dataclasses import dataclass
from math import isqrt

from llmtrain_api.parallel import ParallelDims

LARGEST_DEFAULT_MICRO_BATCH = 8
"""Sequences of one forward pass, at most, where the manifest does not say."""


@dataclass(frozen=True)
class BatchLayout:
    """sequences = parallel.data x micro_batch_size x accumulation_steps."""

    parallel: ParallelDims
    """Arrangement of the ranks."""
    sequences: int
    """Sequences of an optimizer step, over all workers."""
    micro_batch_size: int
    """Sequences of one forward pass on a worker."""
    accumulation_steps: int
    """Forward and backward passes on a worker before each optimizer step."""


def batch_layout(
    *, batch_tokens: int, sequence_length: int, parallel: ParallelDims, micro_batch_size: int | None
) -> BatchLayout:
    """Share an optimizer step's sequences out evenly.

    Args:
        batch_tokens: tokens of an optimizer step, over all workers.
        sequence_length: tokens of a sequence.
        parallel: arrangement of the ranks; those along the data axis share the batch.
        micro_batch_size: sequences of one forward pass; by default the largest divisor of the
            worker's share up to 8.

    Raises:
        ValueError: the sequences cannot be shared out evenly; the message says what would work.
    """
    if batch_tokens % sequence_length:
        raise ValueError(
            f"batchTokens: {batch_tokens} is not a multiple of sequenceLength {sequence_length}; "
            f"set {_nearest_multiples(batch_tokens, sequence_length)}"
        )
    sequences, workers = batch_tokens // sequence_length, parallel.data
    if sequences % workers:
        raise ValueError(
            f"batchTokens: {batch_tokens} tokens are {sequences} sequences of {sequence_length}, "
            f"which the {workers} workers of compute.trainers cannot share evenly; set batchTokens "
            f"to {_nearest_multiples(batch_tokens, sequence_length * workers)}, "
            f"or trainers with {_nearest_divisors(sequences, workers)} workers in all"
        )
    share = sequences // workers
    if micro_batch_size is None:
        micro_batch_size = default_micro_batch_size(share)
    elif share % micro_batch_size:
        raise ValueError(
            f"microBatchSize: {micro_batch_size} does not divide a worker's share of the batch, "
            f"{share} sequences; set {_nearest_divisors(share, micro_batch_size)}"
        )
    return BatchLayout(
        parallel=parallel,
        sequences=sequences,
        micro_batch_size=micro_batch_size,
        accumulation_steps=share // micro_batch_size,
    )


def default_micro_batch_size(share: int) -> int:
    """The largest divisor of a worker's share, in sequences, up to 8."""
    return max(size for size in divisors(share) if size <= LARGEST_DEFAULT_MICRO_BATCH)


def divisors(number: int) -> list[int]:
    """All divisors, the smallest first."""
    small = [candidate for candidate in range(1, isqrt(number) + 1) if number % candidate == 0]
    return sorted({*small, *(number // candidate for candidate in small)})


def _nearest_multiples(number: int, base: int) -> str:
    below = number // base * base
    return f"{below} or {below + base}" if below else str(base)


def _nearest_divisors(number: int, wanted: int) -> str:
    below = max(divisor for divisor in divisors(number) if divisor < wanted)
    above = [divisor for divisor in divisors(number) if divisor > wanted]
    return f"{below} or {min(above)}" if above else str(below)
