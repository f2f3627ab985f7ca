"""The micro batch that a stage begins with where the manifest names none."""

from dataclasses import replace

from llmtrain_api.batch import divisors
from llmtrain_planner.hardware import Device
from llmtrain_planner.memory import TrainingSetup, plan_memory


def largest_fitting(setup: TrainingSetup, device: Device, share: int) -> int:
    """The largest micro batch that the plan says fits; 1 where none does.

    Args:
        setup: its micro batch is not looked at.
        device: what each worker has.
        share: sequences of an optimizer step on one worker; a micro batch divides them.
    """
    fitting = (
        size
        for size in reversed(divisors(share))
        if plan_memory(replace(setup, micro_batch_size=size), device).fits
    )
    return next(fitting, 1)


_BUSY_TOKENS = 8192
"""Tokens of a forward pass that keep a GPU busy: with fewer, more memory for a larger micro batch
is worth what recomputation costs. At 1.3 billion parameters on an H200, 8,192 tokens without
recomputation were faster than 16,384 with it (torchtitan, 57,204 and 53,102 tokens a second)."""


def least_busy(share: int, sequence_length: int) -> int:
    """The smallest micro batch that keeps a GPU busy, by which activation checkpointing is chosen.

    Args:
        share: sequences of an optimizer step on one worker.
        sequence_length: tokens of each.
    """
    busy = (size for size in divisors(share) if size * sequence_length >= _BUSY_TOKENS)
    return next(busy, share)
