"""The loss on held-out sequences, shared out over the ranks, and when it ends training."""

import math
from dataclasses import dataclass, replace

import numpy as np
import torch

from llmtrain_api.spec.pretrain import EarlyStopping
from llmtrain_trainer.training.engine import Engine
from llmtrain_trainer.training.forward import batch_loss, host_tensors
from llmtrain_trainer.training.layout import validation_batches
from llmtrain_trainer.training.mesh import Mesh, device
from llmtrain_trainer.training.samples import IGNORED, Samples


@dataclass(frozen=True)
class StoppingState:
    """State of early stopping, which is part of a checkpoint."""

    best: float = float("inf")
    """Lowest validation loss so far, in nats per token."""
    failures: int = 0
    """Validations in a row that did not improve on it."""

    def after(self, validation_loss: float, rule: EarlyStopping) -> "StoppingState":
        """The state after one more validation."""
        if validation_loss < self.best - rule.min_delta:
            return StoppingState(best=validation_loss)
        return StoppingState(best=self.best, failures=self.failures + 1)

    def exhausted(self, rule: EarlyStopping) -> bool:
        """Whether patience has run out."""
        return self.failures >= rule.patience


@dataclass(frozen=True)
class ValidationResult:
    """Result of a validation."""

    loss: float
    """Mean over all held-out labels, in nats."""
    bits_per_byte: float | None


@torch.no_grad()
def validate(
    engine: Engine,
    samples: Samples,
    mesh: Mesh,
    *,
    micro_batch_size: int,
    bytes_per_label: float | None,
) -> ValidationResult:
    """The loss over all of `samples`. Collective.

    Args:
        engine: with the model.
        samples: the held-out sequences.
        mesh: the ranks that share the work.
        micro_batch_size: sequences of one forward pass.
        bytes_per_label: UTF-8 bytes of text for each label; None where that says nothing.
    """
    engine.model.eval()
    totals = torch.zeros(2, dtype=torch.float64, device=device())  # nats, labels
    for wanted in validation_batches(len(samples), micro_batch_size, mesh):
        tensors = host_tensors(samples.batch(np.minimum(wanted, len(samples) - 1))).to(device())
        surplus = torch.from_numpy(wanted >= len(samples)).to(device())
        labels = tensors.labels.masked_fill(surplus[:, None], IGNORED)
        tensors = replace(tensors, labels=labels)
        totals[0] += batch_loss(engine.model, engine.decoder, tensors).double()
        totals[1] += (labels != IGNORED).sum()
    engine.model.train()
    if not mesh.counts_loss:
        totals.zero_()
    nats, count = mesh.all.sum(totals).tolist()
    loss = nats / count
    per_byte = loss / math.log(2) / bytes_per_label if bytes_per_label else None
    return ValidationResult(loss, per_byte)
