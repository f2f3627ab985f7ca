"""Peak memory of one worker, compared with its device.

What lasts are the model states (`model_states.py`). Three moments can be the peak of a step beside
them, and the largest counts: the loss and the backward pass (`working_memory.py`), with DeepSpeed's
buffers, and the optimizer step, with the fp32 copy of the gradients.
"""

from dataclasses import dataclass

from llmtrain_api.families.base import Architecture
from llmtrain_api.parallel import ParallelDims
from llmtrain_api.plan import MemoryPlan
from llmtrain_api.spec.training import ActivationCheckpointing, Offload, Precision, ZeroStage
from llmtrain_planner.architecture import count_expert_parameters
from llmtrain_planner.hardware import Device
from llmtrain_planner.model_states import (
    ModelStates,
    is_autocast,
    model_states,
    value_bytes,
)
from llmtrain_planner.working_memory import ForwardPass, WorkingMemory

_GPU_OVERHEAD_BYTES = 2 * 2**30
"""CUDA's context, cuBLAS, NCCL, and the allocator's fragments: our estimate."""
_CPU_OVERHEAD_BYTES = 2**30
"""A Python process with torch, DeepSpeed and Ray: our estimate."""
_BUCKET_PARAMETERS = 500_000_000
"""DeepSpeed's default reduce_bucket_size, more than which brings nothing."""
_LIVE_PARAMETERS = 1_000_000_000
"""DeepSpeed's default stage3_max_live_parameters."""


@dataclass(frozen=True)
class TrainingSetup:
    """All that the memory of a training stage depends on."""

    architecture: Architecture
    """Shape of the part of the model that one rank holds."""
    parameters: int
    """Parameters of that part."""
    trainable: int
    """Parameters that learn."""
    largest_trainable: int
    """Parameters of the largest tensor that learns."""
    dropout: bool
    precision: Precision
    zero_stage: ZeroStage
    offload: Offload
    checkpointing: ActivationCheckpointing
    """`auto` is to be chosen (`checkpointing.py`) before memory is planned."""
    sequence_length: int
    micro_batch_size: int
    replicas: int
    workers_per_replica: int
    replica_memory_bytes: int
    """Memory of a replica's host."""
    tensor: int = 1
    """Parts that tensor parallelism makes of the model."""

    @property
    def parallel(self) -> ParallelDims:
        """Arrangement of the ranks of all replicas."""
        return ParallelDims.over(self.replicas * self.workers_per_replica, tensor=self.tensor)


@dataclass(frozen=True)
class _Moment:
    """Bytes that change in the course of an optimizer step."""

    gradients: int
    buffers: int
    working: WorkingMemory
    step: int = 0

    @property
    def total(self) -> int:
        working = self.working.activations + self.working.logits
        return self.gradients + self.buffers + working + self.step


def plan_memory(setup: TrainingSetup, device: Device) -> MemoryPlan:
    """Peak memory of one worker.

    On a CPU the device is the host, so what is offloaded counts against the same memory.
    """
    states = model_states(
        parameters=setup.parameters,
        trainable=setup.trainable,
        largest=setup.largest_trainable,
        shards=setup.parallel.zero_ranks,
        precision=setup.precision,
        stage=setup.zero_stage,
        offload=setup.offload,
    )
    peak = max(_moments(setup, device, states), key=lambda moment: moment.total)
    overhead = _CPU_OVERHEAD_BYTES if device.is_cpu else _GPU_OVERHEAD_BYTES
    total = states.weights + states.optimizer + peak.total + overhead
    host = states.host + _offloaded_bytes(setup)
    if setup.offload is not Offload.NONE and not device.is_cpu:
        host += _host_step_bytes(setup, states)
    on_host = states.copy + host + (total if device.is_cpu else _CPU_OVERHEAD_BYTES)
    return MemoryPlan(
        zero_stage=setup.zero_stage,
        offload=setup.offload,
        activation_checkpointing=setup.checkpointing,
        weights_bytes=states.weights,
        gradients_bytes=peak.gradients,
        optimizer_bytes=states.optimizer,
        activations_bytes=peak.working.activations,
        logits_bytes=peak.working.logits,
        step_bytes=peak.step,
        buffers_bytes=peak.buffers,
        overhead_bytes=overhead,
        total_bytes=total,
        host_bytes=host,
        copy_bytes=states.copy + states.first_copy,
        fits=_fits(setup, device, total, host),
        host_needed_bytes=setup.workers_per_replica * on_host + setup.tensor * states.first_copy,
    )


def _moments(setup: TrainingSetup, device: Device, states: ModelStates) -> list[_Moment]:
    """The moments of an optimizer step that can be its peak."""
    forward = _forward_pass(setup)
    buckets, gathered = _bucket_bytes(setup, device), _gathered_bytes(setup)
    sharded = setup.zero_stage is ZeroStage.PARAMETERS
    # DeepSpeed 0.19: stage 2 gives its buckets back after each backward pass, stage 1 after the
    # last of a step, stage 3 never.
    before = 0 if setup.zero_stage is ZeroStage.GRADIENTS else buckets
    step = states.step + (_host_step_bytes(setup, states) if device.is_cpu else 0)
    return [
        _Moment(states.gradients, before + gathered, forward.loss),
        _Moment(states.gradients, buckets + gathered, forward.backward),
        _Moment(states.step_gradients, buckets if sharded else 0, WorkingMemory(), step),
    ]


_HOST_STEP_BYTES = 8
_SUB_GROUP_PARAMETERS = 1_000_000_000
"""DeepSpeed's default sub_group_size, in which stage 3 takes its step."""


def _host_step_bytes(setup: TrainingSetup, states: ModelStates) -> int:
    """Intermediate results of AdamW on the host: two fp32 numbers for each element of a tensor.

    Its fused kernel, on GPUs, has none. ZeRO makes one tensor of all that learns.
    """
    match setup.zero_stage:
        case ZeroStage.NONE:
            together = setup.largest_trainable
        case ZeroStage.PARAMETERS:
            together = min(states.share, _SUB_GROUP_PARAMETERS)
        case _:
            together = states.share
    return _HOST_STEP_BYTES * together


def _forward_pass(setup: TrainingSetup) -> ForwardPass:
    return ForwardPass(
        setup.architecture,
        tokens=setup.sequence_length * setup.micro_batch_size,
        sequence_length=setup.sequence_length,
        value_bytes=value_bytes(setup.precision),
        autocast=is_autocast(setup.precision, setup.zero_stage),
        dropout=setup.dropout,
        output_learns=setup.trainable == setup.parameters,
        checkpointing=setup.checkpointing,
    )


def _offloaded_bytes(setup: TrainingSetup) -> int:
    """Activations in the host's memory, for one worker."""
    if setup.checkpointing is not ActivationCheckpointing.OFFLOAD:
        return 0
    return setup.architecture.layers * _forward_pass(setup).block_input


def _fits(setup: TrainingSetup, device: Device, total: int, host: int) -> bool:
    if device.is_cpu:
        return total + host <= device.memory_bytes
    on_hosts = host * setup.workers_per_replica
    return total <= device.memory_bytes and on_hosts <= setup.replica_memory_bytes


def reduce_bucket_parameters(trainable: int) -> int:
    """Parameters whose gradients are reduced at a time (DeepSpeed's `reduce_bucket_size`)."""
    return min(_BUCKET_PARAMETERS, trainable)


def _bucket_bytes(setup: TrainingSetup, device: Device) -> int:
    """DeepSpeed's reduce buckets, two where they overlap."""
    if setup.zero_stage is ZeroStage.NONE:
        return 0
    sharded = setup.zero_stage is ZeroStage.PARAMETERS
    overlaps = not (sharded or device.is_cpu) and setup.parallel.zero_ranks > 1
    buckets = (2 if overlaps else 1) * reduce_bucket_parameters(setup.trainable)
    return value_bytes(setup.precision) * buckets


def _gathered_bytes(setup: TrainingSetup) -> int:
    """Weights that stage 3 has gathered: those of a block's experts all at once."""
    if setup.zero_stage is not ZeroStage.PARAMETERS:
        return 0
    least = max(_LIVE_PARAMETERS, count_expert_parameters(setup.architecture))
    return value_bytes(setup.precision) * min(least, setup.parameters)
