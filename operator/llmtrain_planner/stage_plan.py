"""The plan of one training stage."""

from dataclasses import dataclass, replace

from llmtrain_api.batch import batch_layout, parallel_dims
from llmtrain_api.families.base import Architecture
from llmtrain_api.plan import HardwarePlan, MemoryPlan, StagePlan
from llmtrain_api.spec.compute import Trainers, memory_bytes
from llmtrain_api.spec.training import Offload, Training, ZeroStage
from llmtrain_api.stages import Stage
from llmtrain_api.tensor_rules import shape_fault
from llmtrain_planner.advice import Advised, smallest_change
from llmtrain_planner.architecture import (
    PlanError,
    count_lora_parameters,
    count_parameters,
    largest_parameter,
)
from llmtrain_planner.checkpointing import RECOMPUTATION_COST, choose_checkpointing
from llmtrain_planner.flops import lora_flops_per_token, training_flops_per_token
from llmtrain_planner.hardware import Device
from llmtrain_planner.memory import TrainingSetup, plan_memory
from llmtrain_planner.micro_batch import largest_fitting, least_busy
from llmtrain_planner.model_states import LEAST_STAGE
from llmtrain_planner.utilization import Utilization, expected_utilization


def count_steps(tokens: int, batch_tokens: int) -> int:
    """Optimizer steps until at least so many tokens were trained on."""
    return -(-tokens // batch_tokens)


def count_sequences(tokens: int, sequence_length: int) -> int:
    """Sequences in a row of tokens, each with the token after it: the last is only ever a label."""
    return max(0, tokens - 1) // sequence_length


def training_setup(
    architecture: Architecture,
    training: Training,
    trainers: Trainers,
    *,
    micro_batch_size: int,
    dropout: bool,
) -> TrainingSetup:
    """Collect what a stage's memory depends on.

    Args:
        architecture: the model's shape.
        training: the stage's section.
        trainers: what it runs on.
        micro_batch_size: sequences of one forward pass, filled in.
        dropout: whether the model has any.

    Raises:
        PlanError: the model cannot be split as the section asks.
    """
    tensor = training.parallel.tensor
    if tensor > 1 and (fault := shape_fault(architecture, tensor)):
        raise PlanError(f"parallel.tensor is {tensor}; {fault}")
    architecture = architecture.tensor_part(tensor)
    parameters = count_parameters(architecture)
    lora = training.adapters
    return TrainingSetup(
        architecture=architecture,
        parameters=parameters + (count_lora_parameters(architecture, lora.rank) if lora else 0),
        trainable=count_lora_parameters(architecture, lora.rank) if lora else parameters,
        largest_trainable=largest_parameter(architecture, adapter_rank=lora.rank if lora else None),
        dropout=dropout,
        precision=training.precision,
        zero_stage=training.zero.stage,
        offload=training.zero.offload,
        checkpointing=training.activation_checkpointing,
        sequence_length=training.sequence_length,
        micro_batch_size=micro_batch_size,
        replicas=trainers.replicas,
        workers_per_replica=trainers.num_workers // trainers.replicas,
        replica_memory_bytes=memory_bytes(trainers.memory),
        tensor=tensor,
    )


def rank_setup(
    architecture: Architecture,
    training: Training,
    *,
    ranks: int,
    host_bytes: int,
    micro_batch_size: int,
    dropout: bool,
) -> TrainingSetup:
    """The same as a rank sees it, as if each had a machine of its own.

    Args:
        architecture: the model's shape.
        training: the stage's section.
        ranks: ranks of the stage.
        host_bytes: a rank's part of the memory of its host.
        micro_batch_size: sequences of one forward pass, filled in.
        dropout: whether the model has any.
    """
    setup = training_setup(
        architecture,
        training,
        Trainers(replicas=ranks),
        micro_batch_size=micro_batch_size,
        dropout=dropout,
    )
    return replace(setup, replica_memory_bytes=host_bytes)


def flops_per_token(architecture: Architecture, training: Training) -> int:
    """FLOPs of the forward and backward pass for one token, recomputation not counted."""
    lora = training.adapters
    if lora:
        return lora_flops_per_token(architecture, training.sequence_length, lora.rank)
    return training_flops_per_token(architecture, training.sequence_length)


def stage_utilization(
    training: Training, parameters: int, device: Device, *, named: float | None = None
) -> Utilization:
    """The utilization to expect of a stage, as if it did without activation checkpointing.

    Args:
        training: the stage's section.
        parameters: number of the model's parameters.
        device: what it trains on.
        named: what the user says; it wins.
    """
    if named is not None:
        return Utilization(named, "given")
    by_default = not device.is_cpu and training.parallel.tensor == 1
    compiled = by_default if training.compile is None else training.compile
    return expected_utilization(device, parameters, compiled=compiled)


_SECONDS_PER_HOUR = 3600


@dataclass(frozen=True)
class StageRequest:
    """A training stage as the manifest has it."""

    stage: Stage
    training: Training
    trainers: Trainers
    tokens: int | None
    """Tokens of the whole stage; None where they cannot be known."""
    dropout: bool
    mfu: float | None = None
    """Utilization that the user names, without activation checkpointing."""


def plan_stage(
    request: StageRequest, architecture: Architecture, device: Device, hardware: HardwarePlan
) -> StagePlan:
    """Plan a training stage."""
    training = request.training
    layout = batch_layout(training, parallel_dims(training, request.trainers.num_workers))
    asked = training_setup(
        architecture,
        training,
        request.trainers,
        micro_batch_size=layout.micro_batch_size,
        dropout=request.dropout,
    )
    found = training.finds_micro_batch_size(on_gpus=not device.is_cpu)
    if found:
        least = least_busy(layout.share, training.sequence_length)
        setup = choose_checkpointing(replace(asked, micro_batch_size=least), device)
        layout = layout.with_micro_batch_size(largest_fitting(setup, device, layout.share))
        setup = replace(setup, micro_batch_size=layout.micro_batch_size)
    else:
        setup = choose_checkpointing(asked, device)
    lora = training.adapters
    adapters = count_lora_parameters(architecture, lora.rank) if lora else 0
    parameters = count_parameters(architecture) + adapters
    utilization = stage_utilization(training, parameters, device, named=request.mfu)
    plan = StagePlan(
        stage=request.stage,
        trainable_parameters=adapters or parameters,
        sequence_length=training.sequence_length,
        batch_tokens=training.batch_tokens,
        micro_batch_size=layout.micro_batch_size,
        accumulation_steps=layout.accumulation_steps,
        finds_micro_batch_size=found,
        peak_flops=device.peak_flops(training.precision),
        flops_per_token=flops_per_token(architecture, training),
        mfu=utilization.mfu / RECOMPUTATION_COST[setup.checkpointing],
        mfu_source=utilization.source,
        memory=plan_memory(setup, device),
        alternatives=_alternatives(setup, device),
        changes=smallest_change(
            replace(asked, micro_batch_size=layout.micro_batch_size),
            device,
            Advised(request.stage, layout.sequences, finds_micro_batch_size=found),
        ),
    )
    if request.tokens is None:
        return plan
    return _with_costs(plan, request.tokens, hardware)


def _alternatives(setup: TrainingSetup, device: Device) -> tuple[MemoryPlan, ...]:
    """Memory with every ZeRO stage and offload that the contract allows."""
    offloads = [Offload.NONE] if device.is_cpu or setup.tensor > 1 else list(Offload)
    return tuple(
        plan_memory(replace(setup, zero_stage=stage, offload=offload), device)
        for offload in offloads
        for stage in ZeroStage
        if stage >= LEAST_STAGE[offload]
    )


def _with_costs(plan: StagePlan, tokens: int, hardware: HardwarePlan) -> StagePlan:
    """Add what follows from the number of tokens; every optimizer step trains on a whole batch."""
    steps = count_steps(tokens, plan.batch_tokens)
    flops = float(plan.flops_per_token) * steps * plan.batch_tokens
    seconds = flops / (hardware.workers * plan.peak_flops * plan.mfu)
    price = hardware.price_usd_per_device_hour
    device_hours = seconds * hardware.workers / _SECONDS_PER_HOUR
    return plan.replace(
        tokens=tokens,
        steps=steps,
        flops=flops,
        duration_seconds=seconds,
        cost_usd=None if price is None else price * device_hours,
    )
