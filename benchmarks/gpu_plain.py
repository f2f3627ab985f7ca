"""A training loop as a PyTorch tutorial has it, for models of any library."""

from collections.abc import Callable

import numpy as np
import torch
from gpu_clock import StepClock
from torch import Tensor, nn

from llmtrain_api.spec.training import Precision
from llmtrain_trainer.training.mesh import device
from llmtrain_trainer.training.task import TrainingTask


def train_plainly(
    task: TrainingTask, model: nn.Module, loss: Callable[[Tensor, Tensor], Tensor], clock: StepClock
) -> None:
    """Train until the clock has measured.

    Args:
        task: its samples, batch and settings.
        model: on the device; its parameters learn.
        loss: mean loss of input IDs and labels, both (B, T).
        clock: notes the end of each step.
    """
    settings, batch = task.settings, task.settings.batch
    optimizer = torch.optim.AdamW(
        model.parameters(),
        lr=settings.training.optimizer.learning_rate,
        fused=device().type == "cuda",
    )
    bf16 = settings.training.precision is Precision.BF16
    generator = np.random.default_rng(0)
    while True:
        numbers = generator.integers(len(task.samples), size=batch.sequences)
        for share in numbers.reshape(batch.accumulation_steps, -1):
            samples = task.samples.batch(share)
            input_ids = torch.from_numpy(samples.input_ids).to(device())
            labels = torch.from_numpy(np.ascontiguousarray(samples.labels)).to(device())
            with torch.autocast(device().type, torch.bfloat16, enabled=bf16):
                mean = loss(input_ids, labels)
            (mean / batch.accumulation_steps).backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), settings.training.optimizer.clip)
        optimizer.step()
        optimizer.zero_grad()
        clock.step_ended()
