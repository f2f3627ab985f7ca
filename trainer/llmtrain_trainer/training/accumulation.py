"""The forward and backward passes of a rank between two optimizer steps."""

from collections.abc import Sequence

import torch
from torch import Tensor

from llmtrain_trainer.training.engine import Engine
from llmtrain_trainer.training.forward import BatchTensors, batch_loss
from llmtrain_trainer.training.mesh import device


def accumulate(
    engine: Engine, micro_batches: Sequence[BatchTensors], *, scale: float, label_smoothing: float
) -> Tensor:
    """Add up the gradients of an optimizer step.

    Args:
        engine: made for as many micro batches in a step.
        micro_batches: this rank's share of the batch, on the host.
        scale: factor of each summed loss in the gradient.
        label_smoothing: probability mass spread over the vocabulary.

    Returns:
        This rank's summed loss in nats, without the balance of experts; a float64 scalar on the
        device.
    """
    nats = torch.zeros((), dtype=torch.float64, device=device())
    for number, host_share in enumerate(micro_batches, start=1):
        share = host_share.to(device())
        if engine.balance is not None:
            engine.balance.start()
        loss = batch_loss(engine.model, engine.decoder, share, label_smoothing=label_smoothing)
        term = 0 if engine.balance is None else engine.balance.term(share.labels)
        engine.backward((loss + term) * scale)
        nats += loss.detach().double()
        if number < len(micro_batches):
            engine.end_micro_step()
    return nats
