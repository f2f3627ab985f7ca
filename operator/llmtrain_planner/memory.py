"""What one worker needs at its peak, and whether that fits its device."""

from dataclasses import dataclass

from llmtrain_api.families.base import Architecture
from llmtrain_api.parallel import ParallelDims
from llmtrain_api.plan import MemoryPlan
from llmtrain_api.spec.training import Offload, Precision, ZeroStage
from llmtrain_planner.hardware import Device
from llmtrain_planner.model_states import model_states, value_bytes
from llmtrain_planner.working_memory import peak_working_memory

_GPU_OVERHEAD_BYTES = 2 * 2**30
"""CUDA's context, cuBLAS, NCCL, and the allocator's fragments: our estimate."""
_CPU_OVERHEAD_BYTES = 2**30
"""A Python process with torch, DeepSpeed and Ray: our estimate."""
_BUCKET_PARAMETERS = 500_000_000
"""DeepSpeed's default reduce_bucket_size."""
_LIVE_PARAMETERS = 1_000_000_000
"""DeepSpeed's default stage3_max_live_parameters."""


@dataclass(frozen=True)
class TrainingSetup:
    """All that the memory of a training stage depends on."""

    architecture: Architecture
    parameters: int
    trainable: int
    """Parameters that learn."""
    dropout: bool
    precision: Precision
    zero_stage: ZeroStage
    offload: Offload
    checkpointing: bool
    sequence_length: int
    micro_batch_size: int
    replicas: int
    workers_per_replica: int
    replica_memory_bytes: int
    """Memory of a replica's host."""

    @property
    def parallel(self) -> ParallelDims:
        """Arrangement of the ranks of all replicas."""
        return ParallelDims.over(self.replicas * self.workers_per_replica)


def plan_memory(setup: TrainingSetup, device: Device) -> MemoryPlan:
    """What one worker needs at its peak.

    On a CPU the device is the host, so what is offloaded counts against the same memory.
    """
    states = model_states(
        parameters=setup.parameters,
        trainable=setup.trainable,
        shards=setup.parallel.zero_ranks,
        precision=setup.precision,
        stage=setup.zero_stage,
        offload=setup.offload,
    )
    working = peak_working_memory(
        setup.architecture,
        tokens=setup.sequence_length * setup.micro_batch_size,
        value_bytes=value_bytes(setup.precision),
        dropout=setup.dropout,
        checkpointing=setup.checkpointing,
        step_bytes=states.step,
    )
    buffers = _buffer_bytes(setup, device)
    overhead = _CPU_OVERHEAD_BYTES if device.is_cpu else _GPU_OVERHEAD_BYTES
    kept = states.weights + states.gradients + states.optimizer
    total = kept + working.total + buffers + overhead
    return MemoryPlan(
        zero_stage=setup.zero_stage,
        offload=setup.offload,
        weights_bytes=states.weights,
        gradients_bytes=states.gradients,
        optimizer_bytes=states.optimizer,
        activations_bytes=working.activations,
        logits_bytes=working.logits,
        step_bytes=working.step,
        buffers_bytes=buffers,
        overhead_bytes=overhead,
        total_bytes=total,
        host_bytes=states.host,
        fits=_fits(setup, device, total, states.host),
    )


def _fits(setup: TrainingSetup, device: Device, total: int, host: int) -> bool:
    if device.is_cpu:
        return total + host <= device.memory_bytes
    on_hosts = host * setup.workers_per_replica
    return total <= device.memory_bytes and on_hosts <= setup.replica_memory_bytes


def _buffer_bytes(setup: TrainingSetup, device: Device) -> int:
    """DeepSpeed's reduce buckets, two where they overlap, and what stage 3 has gathered."""
    if setup.zero_stage is ZeroStage.NONE:
        return 0
    # A bucket is allocated in full; on a CPU, pages that are never written take no memory.
    bucket = min(_BUCKET_PARAMETERS, setup.trainable) if device.is_cpu else _BUCKET_PARAMETERS
    sharded = setup.zero_stage is ZeroStage.PARAMETERS
    buckets = 1 if sharded or device.is_cpu else 2
    gathered = min(_LIVE_PARAMETERS, setup.parameters) if sharded else 0
    return value_bytes(setup.precision) * (buckets * bucket + gathered)
