"""The smallest change to a manifest that makes a stage fit its devices."""

import math
from collections.abc import Iterator
from dataclasses import dataclass, replace
from itertools import product

from llmtrain_api.batch import default_micro_batch_size, divisors
from llmtrain_api.plan import ManifestChange, MemoryPlan
from llmtrain_api.spec.training import ActivationCheckpointing, Offload, ZeroStage
from llmtrain_api.stages import Stage
from llmtrain_planner.checkpointing import BY_MEMORY, choose_checkpointing, possible_ways
from llmtrain_planner.hardware import Device
from llmtrain_planner.memory import TrainingSetup, plan_memory
from llmtrain_planner.model_states import LEAST_STAGE

_MOST_REPLICAS = 4096
"""The contract's limit."""
_GIB = 2**30


@dataclass(frozen=True)
class Advised:
    """What is to change, beside the setup."""

    stage: Stage
    """Stage with the section to change."""
    sequences: int
    """Sequences of an optimizer step, over all workers."""
    finds_micro_batch_size: bool = False
    """Whether the job finds its micro batch by itself, so that there is nothing to name."""


def smallest_change(
    setup: TrainingSetup, device: Device, advised: Advised
) -> tuple[ManifestChange, ...]:
    """The fields to change so that a stage fits; empty where it fits, or where nothing helps.

    What costs nothing comes first (a higher ZeRO stage), then what costs time (activation
    checkpointing, a smaller micro batch), then offloading, then more replicas. Among equals the
    change of fewer fields wins. Activation checkpointing that is `auto` stays so.

    Args:
        setup: as the manifest has it.
        device: what each worker has.
        advised: what is to change.
    """
    if _memory(setup, device).fits:
        return ()
    for replicas in _replica_counts(setup, advised.sequences):
        for offload in _offloads(setup, device):
            wider = replace(setup, replicas=replicas, offload=offload)
            candidates = sorted(
                _cheap_candidates(wider, advised.sequences),
                key=lambda candidate: len([*_changes(setup, candidate, advised)]),
            )
            for candidate in candidates:
                changed = _with_enough_host_memory(candidate, device)
                if _memory(changed, device).fits:
                    return tuple(_changes(setup, changed, advised))
    return ()


def _memory(setup: TrainingSetup, device: Device) -> MemoryPlan:
    return plan_memory(choose_checkpointing(setup, device), device)


def _cheap_candidates(setup: TrainingSetup, sequences: int) -> Iterator[TrainingSetup]:
    share = sequences // setup.parallel.data
    micros = [size for size in divisors(share) if size <= setup.micro_batch_size]
    now = setup.checkpointing
    ways = [now] if now is ActivationCheckpointing.AUTO else BY_MEMORY[BY_MEMORY.index(now) :]
    least = LEAST_STAGE[setup.offload]
    stages = [stage for stage in ZeroStage if stage >= max(setup.zero_stage, least)]
    for micro, way, stage in product(reversed(micros), ways, stages):
        if way in BY_MEMORY and way not in possible_ways(stage, tensor=setup.tensor):
            continue
        yield replace(setup, micro_batch_size=micro, checkpointing=way, zero_stage=stage)


def _offloads(setup: TrainingSetup, device: Device) -> list[Offload]:
    if device.is_cpu or setup.tensor > 1:
        return [setup.offload]
    order = list(Offload)
    return order[order.index(setup.offload) :]


def _replica_counts(setup: TrainingSetup, sequences: int) -> list[int]:
    """This many replicas and more, such that the workers share a batch evenly."""
    return [
        replicas
        for replicas in range(setup.replicas, min(_MOST_REPLICAS, sequences) + 1)
        if replicas * setup.workers_per_replica % setup.tensor == 0
        and sequences % replace(setup, replicas=replicas).parallel.data == 0
    ]


def _with_enough_host_memory(setup: TrainingSetup, device: Device) -> TrainingSetup:
    if device.is_cpu:
        return setup
    needed = _memory(setup, device).host_bytes * setup.workers_per_replica
    if needed <= setup.replica_memory_bytes:
        return setup
    return replace(setup, replica_memory_bytes=math.ceil(needed / _GIB) * _GIB)


def _changes(
    before: TrainingSetup, after: TrainingSetup, advised: Advised
) -> Iterator[ManifestChange]:
    section = f"spec.{advised.stage.value}"
    if after.zero_stage is not before.zero_stage:
        yield ManifestChange(field=f"{section}.zero.stage", value=int(after.zero_stage))
    if after.offload is not before.offload:
        yield ManifestChange(field=f"{section}.zero.offload", value=after.offload.value)
    if after.checkpointing is not before.checkpointing:
        way = after.checkpointing.value
        yield ManifestChange(field=f"{section}.activationCheckpointing", value=way)
    more = after.replicas != before.replicas
    default = default_micro_batch_size(advised.sequences // after.parallel.data)
    is_another = after.micro_batch_size != before.micro_batch_size
    if not advised.finds_micro_batch_size and (
        is_another or (more and after.micro_batch_size != default)
    ):
        yield ManifestChange(field=f"{section}.microBatchSize", value=after.micro_batch_size)
    if more:
        yield ManifestChange(field="spec.compute.trainers.replicas", value=after.replicas)
    if after.replica_memory_bytes != before.replica_memory_bytes:
        gibibytes = after.replica_memory_bytes // _GIB
        yield ManifestChange(field="spec.compute.trainers.memory", value=f"{gibibytes}Gi")
