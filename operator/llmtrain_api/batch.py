"""The layout of a batch: an optimizer step's sequences over ranks and forward passes."""

from dataclasses import dataclass, replace
from math import isqrt
from typing import Self

from llmtrain_api.parallel import ParallelDims
from llmtrain_api.spec.training import Training

LARGEST_DEFAULT_MICRO_BATCH = 8
"""Sequences of one forward pass, at most, where the manifest names no size and none is found."""


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

    @property
    def share(self) -> int:
        """Sequences of an optimizer step on one worker."""
        return self.micro_batch_size * self.accumulation_steps

    def with_micro_batch_size(self, size: int) -> Self:
        """The same batch in forward passes of another size, which must divide a worker's share."""
        assert self.share % size == 0, f"{size} does not divide {self.share}"
        return replace(self, micro_batch_size=size, accumulation_steps=self.share // size)


def parallel_dims(training: Training, ranks: int) -> ParallelDims:
    """The arrangement of a stage's ranks.

    Args:
        training: the section of a stage.
        ranks: number of workers.

    Raises:
        ValueError: they cannot be arranged so. The message begins with the field.
    """
    tensor = training.parallel.tensor
    if ranks % tensor:
        raise ValueError(
            "parallel.tensor must divide the number of workers of compute.trainers; "
            f"{tensor} does not divide {ranks}"
        )
    return ParallelDims.over(ranks, tensor=tensor)


def batch_layout(training: Training, parallel: ParallelDims) -> BatchLayout:
    """Share an optimizer step's sequences out evenly.

    Args:
        training: the section of a stage. Where it names no micro batch size, a forward pass has
            the largest divisor up to 8 of a worker's sequences.
        parallel: arrangement of the ranks; those along the data axis share the batch.

    Raises:
        ValueError: the sequences cannot be shared out evenly. The message begins with the field,
            and says what would work.
    """
    if not is_shared_evenly(training, parallel):
        raise ValueError(_uneven(training, parallel))
    sequences = training.batch_tokens // training.sequence_length
    share = sequences // parallel.data
    micro_batch_size = training.named_micro_batch_size or default_micro_batch_size(share)
    return BatchLayout(
        parallel=parallel,
        sequences=sequences,
        micro_batch_size=micro_batch_size,
        accumulation_steps=share // micro_batch_size,
    )


def is_shared_evenly(training: Training, parallel: ParallelDims) -> bool:
    """Whether a batch is whole forward passes of all ranks along the data axis."""
    return training.batch_tokens % _tokens_of_a_pass(training, parallel) == 0


def default_micro_batch_size(share: int) -> int:
    """The largest divisor of a worker's share, in sequences, up to 8."""
    return max(size for size in divisors(share) if size <= LARGEST_DEFAULT_MICRO_BATCH)


def divisors(number: int) -> list[int]:
    """All divisors, the smallest first."""
    small = [candidate for candidate in range(1, isqrt(number) + 1) if number % candidate == 0]
    return sorted({*small, *(number // candidate for candidate in small)})


def _tokens_of_a_pass(training: Training, parallel: ParallelDims) -> int:
    """Tokens of one forward pass of every rank along the data axis."""
    return training.sequence_length * (training.named_micro_batch_size or 1) * parallel.data


def _uneven(training: Training, parallel: ParallelDims) -> str:
    step = _tokens_of_a_pass(training, parallel)
    below = training.batch_tokens // step * step
    right = f"{below} or {below + step}" if below else str(step)
    workers = "the workers of compute.trainers"
    if training.parallel.tensor > 1:
        workers += " / parallel.tensor"
    return (
        f"batchTokens must be a multiple of sequenceLength x microBatchSize x {workers}, "
        f"{training.sequence_length} x {training.named_micro_batch_size or 1} x "
        f"{parallel.data} = {step}; {training.batch_tokens} is not, {right} would be"
        f"{_other_ways(training, parallel)}"
    )


def _other_ways(training: Training, parallel: ParallelDims) -> str:
    """Numbers of workers, or else sizes of a micro batch, that this batch could be shared by."""
    sequences, rest = divmod(training.batch_tokens, training.sequence_length)
    micro_batch_size = training.named_micro_batch_size or 1
    if rest:
        return ""
    if sequences % parallel.data == 0:
        fitting = _nearest_divisors(sequences // parallel.data, micro_batch_size)
        return f"; so would microBatchSize {' or '.join(map(str, fitting))}"
    if sequences % micro_batch_size:
        return ""
    ranks_each = parallel.ranks // parallel.data
    fitting = _nearest_divisors(sequences // micro_batch_size, parallel.data)
    return f"; so would {' or '.join(str(each * ranks_each) for each in fitting)} workers in all"


def _nearest_divisors(number: int, wanted: int) -> list[int]:
    below = max(divisor for divisor in divisors(number) if divisor < wanted)
    above = [divisor for divisor in divisors(number) if divisor > wanted]
    return [below, *above[:1]]
