"""The share of each rank: of a batch, of the loss, of the held-out sequences."""

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from llmtrain_api.batch import BatchLayout, batch_layout, parallel_dims
from llmtrain_api.run_config import RunConfig
from llmtrain_api.spec.training import Training
from llmtrain_trainer.errors import UserError
from llmtrain_trainer.training.mesh import Place


def stage_layout(training: Training, config: RunConfig) -> BatchLayout:
    """The batch layout of a stage on the workers that it has.

    Raises:
        UserError: the batch cannot be shared out evenly.
    """
    try:
        return batch_layout(training, parallel_dims(training, config.workers.count))
    except ValueError as error:
        raise UserError(f"{config.stage}.{error}") from error


def micro_batches(
    numbers: NDArray[np.int64], batch: BatchLayout, place: Place
) -> NDArray[np.int64]:
    """The sequences of a rank's forward passes in one optimizer step.

    Args:
        numbers: the sequences of the batch, over all ranks; shape (batch.sequences,).
        batch: how they are shared out.
        place: the rank's. Ranks that share a model also share their sequences.

    Returns:
        Sequence numbers; shape (accumulation_steps, micro_batch_size).
    """
    shape = (batch.accumulation_steps, place.data.size, batch.micro_batch_size)
    share: NDArray[np.int64] = numbers.reshape(shape)[:, place.data.rank]
    return share


def loss_scale(batch: BatchLayout, num_labels: int) -> float:
    """Factor that makes the gradient of summed losses that of the mean over all labels.

    DeepSpeed averages gradients over micro batches, and over the ranks that hold the same part of
    the model.

    Args:
        batch: how the batch is shared out.
        num_labels: labels that count in it, over all ranks.
    """
    return batch.parallel.zero_ranks * batch.accumulation_steps / max(num_labels, 1)


def validation_batches(
    num_sequences: int, micro_batch_size: int, place: Place
) -> Iterator[NDArray[np.int64]]:
    """The sequences of a rank's forward passes in one validation.

    Every rank makes the same number of forward passes, since with ZeRO-3 each is collective.

    Args:
        num_sequences: held-out sequences.
        micro_batch_size: sequences of one forward pass.
        place: the rank's. Ranks that share a model also share their sequences.

    Yields:
        Sequence numbers, of which those from `num_sequences` on are surplus; shape
        (micro_batch_size,).
    """
    stride = place.data.size * micro_batch_size
    first = place.data.rank * micro_batch_size
    for start in range(0, num_sequences, stride):
        yield np.arange(start + first, start + first + micro_batch_size)
