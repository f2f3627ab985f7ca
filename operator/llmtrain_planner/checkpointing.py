"""Activation checkpointing: what a stage takes by itself, and what it costs in time."""

from collections.abc import Mapping
from dataclasses import replace

from llmtrain_api.spec.training import ActivationCheckpointing, ZeroStage
from llmtrain_planner.hardware import Device
from llmtrain_planner.memory import TrainingSetup, plan_memory

BY_MEMORY = (
    ActivationCheckpointing.NONE,
    ActivationCheckpointing.SELECTIVE,
    ActivationCheckpointing.FULL,
    ActivationCheckpointing.OFFLOAD,
)
"""Each takes more time and less memory than the one before."""

RECOMPUTATION_COST: Mapping[ActivationCheckpointing, float] = {
    ActivationCheckpointing.AUTO: 1.0,
    ActivationCheckpointing.NONE: 1.0,
    ActivationCheckpointing.SELECTIVE: 1.08,
    ActivationCheckpointing.FULL: 4 / 3,
    ActivationCheckpointing.OFFLOAD: 4 / 3,
}
"""Time of a step beside one without. A whole forward pass is added to a forward and a backward pass
of twice its cost (Korthikanti et al. 2022, section 4.3). Selective: torchtitan on an H200, 57,204
tokens a second without and 53,102 with it, at 1.3 billion parameters. Copies to the host run beside
the computation. What `auto` comes to is unknown before it is chosen."""

_USABLE = 0.9


def possible_ways(stage: ZeroStage, *, tensor: int) -> list[ActivationCheckpointing]:
    """The ways that the contract allows, in the order of `BY_MEMORY`.

    Args:
        stage: what ZeRO shards.
        tensor: parts that tensor parallelism makes of the model.
    """
    if tensor > 1:
        return [ActivationCheckpointing.NONE, ActivationCheckpointing.FULL]
    sharded = stage is ZeroStage.PARAMETERS
    return [way for way in BY_MEMORY if not (sharded and way is ActivationCheckpointing.SELECTIVE)]


def choose_checkpointing(setup: TrainingSetup, device: Device) -> TrainingSetup:
    """The setup with the first way that fits, where it leaves that open.

    Part of the device is left free, since a plan may be wrong by a tenth. Where none fits so,
    `full`: more than that is to be changed. On a CPU `none`, whose memory other processes share.
    """
    if setup.checkpointing is not ActivationCheckpointing.AUTO:
        return setup
    if device.is_cpu:
        return replace(setup, checkpointing=ActivationCheckpointing.NONE)
    usable = replace(device, memory_bytes=int(_USABLE * device.memory_bytes))
    possible = possible_ways(setup.zero_stage, tensor=setup.tensor)
    ways = (replace(setup, checkpointing=way) for way in possible)
    fitting = (each for each in ways if plan_memory(each, usable).fits)
    return next(fitting, replace(setup, checkpointing=ActivationCheckpointing.FULL))
