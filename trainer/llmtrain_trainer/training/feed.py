"""The batches of the training loop, read ahead by a thread while the step before is computed."""

from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import AbstractContextManager
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from llmtrain_api.batch import BatchLayout
from llmtrain_trainer.training.forward import BatchTensors, host_tensors
from llmtrain_trainer.training.layout import micro_batches
from llmtrain_trainer.training.mesh import Place
from llmtrain_trainer.training.samples import Order, Samples, step_positions


@dataclass(frozen=True)
class StepBatch:
    """What one rank reads in one optimizer step."""

    numbers: NDArray[np.int64]
    """The sequences of the batch, over all ranks; shape (batch.sequences,)."""
    num_labels: int
    """Labels that count in them."""
    micro_batches: tuple[BatchTensors, ...]
    """This rank's share, a forward pass each; on the host."""


class Feed(AbstractContextManager["Feed"]):
    """Reads the batch of each step, and while it is trained on, that of the next.

    Args:
        samples: the sequences.
        order: the order in which they are seen.
        batch: how a batch is shared out.
        place: the rank's.
        total_steps: nothing is read for later steps.
    """

    def __init__(
        self,
        samples: Samples,
        order: Order,
        batch: BatchLayout,
        place: Place,
        *,
        total_steps: int,
    ) -> None:
        self._samples, self._order, self._batch, self._place = samples, order, batch, place
        self._total_steps = total_steps
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="feed")
        self._ahead: tuple[int, Future[StepBatch]] | None = None

    def __exit__(self, *_: object) -> None:
        """Stop reading."""
        self._thread.shutdown(cancel_futures=True)

    def at(self, step: int) -> StepBatch:
        """The batch of optimizer step `step`, counted from 0.

        Raises:
            UserError: the samples are damaged.
        """
        if self._ahead is None or self._ahead[0] != step:
            self._ahead = (step, self._thread.submit(self._read, step))
        batch = self._ahead[1].result()
        following = step + 1
        if following < self._total_steps:
            self._ahead = (following, self._thread.submit(self._read, following))
        return batch

    def _read(self, step: int) -> StepBatch:
        numbers = self._order.at(step_positions(step, self._batch.sequences))
        return StepBatch(
            numbers,
            int(self._samples.label_counts(numbers).sum()),
            tuple(
                host_tensors(self._samples.batch(share))
                for share in micro_batches(numbers, self._batch, self._place)
            ),
        )
