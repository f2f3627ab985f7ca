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
