"""Batches on the device that computes."""

from dataclasses import dataclass

import torch
from torch import Tensor

from llmtrain_trainer.training.samples import Batch


@dataclass(frozen=True)
class BatchTensors:
    """A batch on a device; all of shape (B, T)."""

    input_ids: Tensor
    labels: Tensor
    segments: Tensor | None


def to_tensors(batch: Batch, device: torch.device) -> BatchTensors:
    """Copy a batch to a device."""
    return BatchTensors(
        input_ids=torch.from_numpy(batch.input_ids).to(device, non_blocking=True),
        labels=torch.from_numpy(batch.labels).to(device, non_blocking=True),
        segments=None
        if batch.segments is None
        else torch.from_numpy(batch.segments).to(device, non_blocking=True),
    )
