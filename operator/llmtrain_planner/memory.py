"""Peak memory of one worker, compared with its device.

Model states: weights, gradients and optimizer states under ZeRO, by Rajbhandari et al. 2020,
section 5 and figure 1. With bf16 a parameter costs 2 bytes as weight, 2 as gradient and K = 12 in
the optimizer: its fp32 copy and AdamW's two fp32 moments. With fp32 it costs 4, 4, and 8 for the
moments; under ZeRO 12, since DeepSpeed makes the copy there too. Stage 1 divides the optimizer's
part by the number of workers that hold the same part of the model, stage 2 the gradients' too,
stage 3 the weights' too.

Working memory: activations, logits, buffers. Three moments can be the peak of a step, and the
largest counts:

- the loss: all kept activations, the logits, and their gradients;
- with activation checkpointing, the backward pass of a block: what the blocks keep, and one
  block's recomputed activations (Korthikanti et al. 2022, section 4.3: full recomputation keeps
  2 s b h bytes a layer);
- the optimizer step: the fp32 copy of the gradients.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from llmtrain_api.families.base import Architecture
from llmtrain_api.parallel import ParallelDims
from llmtrain_api.plan import MemoryPlan
from llmtrain_api.spec.training import ActivationCheckpointing, Offload, Precision, ZeroStage
from llmtrain_planner.hardware import Device

FP32_BYTES = 4
_MOMENTS_BYTES = 8

LEAST_STAGE: Mapping[Offload, ZeroStage] = {
    Offload.NONE: ZeroStage.NONE,
    Offload.OPTIMIZER: ZeroStage.OPTIMIZER,
    Offload.PARAMETERS: ZeroStage.PARAMETERS,
}
"""The contract's rules: what is offloaded must be sharded."""


@dataclass(frozen=True)
class ModelStates:
    """Bytes on one worker's device, and on its host."""

    weights: int
    gradients: int
    optimizer: int
    step: int
    """fp32 gradients of the worker's share, made for the length of an optimizer step."""
    host: int


def value_bytes(precision: Precision) -> int:
    """Bytes of a weight, a gradient or an activation."""
    return FP32_BYTES if precision is Precision.FP32 else 2


def model_states(
    *,
    parameters: int,
    trainable: int,
    shards: int,
    precision: Precision,
    stage: ZeroStage,
    offload: Offload,
) -> ModelStates:
    """Model states of one worker.

    Args:
        parameters: all of the model's.
        trainable: those that learn; adapters alone with LoRA.
        shards: ranks that ZeRO shards the states over.
        precision: precision of weights and gradients.
        stage: what is sharded.
        offload: what lies in the host's memory. An offloaded optimizer takes the gradients along,
            in fp32 (Ren et al. 2021, ZeRO-Offload).
    """
    value = value_bytes(precision)
    mixed = precision is not Precision.FP32
    share = _share(trainable, shards, sharded=stage >= ZeroStage.OPTIMIZER)
    weights = value * _share(parameters, shards, sharded=stage is ZeroStage.PARAMETERS)
    gradients = value * _share(trainable, shards, sharded=stage >= ZeroStage.GRADIENTS)
    # ZeRO keeps a copy of the weights that it shards, in fp32 whatever they are in.
    has_copy = mixed or stage >= ZeroStage.OPTIMIZER
    optimizer = (_MOMENTS_BYTES + (FP32_BYTES if has_copy else 0)) * share
    if offload is Offload.NONE:
        step = FP32_BYTES * share if mixed else 0
        return ModelStates(weights, gradients, optimizer, step, host=0)
    host = optimizer + FP32_BYTES * share
    if offload is Offload.PARAMETERS:
        return ModelStates(0, 0, 0, 0, host=host + weights)
    return ModelStates(weights, 0, 0, 0, host=host)


def _share(parameters: int, shards: int, *, sharded: bool) -> int:
    return -(-parameters // shards) if sharded else parameters


_VOCABULARY_MULTIPLE = 128
_CHUNK_BYTES = 2**28


def padded_vocabulary(size: int) -> int:
    """Rows of the output layer in its matrix products: the next multiple of 128.

    cuBLAS has fast bf16 kernels only for sizes that are multiples of 8, and its best for those of
    whole tiles.
    """
    return -(-size // _VOCABULARY_MULTIPLE) * _VOCABULARY_MULTIPLE


def logits_chunk_tokens(vocabulary_size: int) -> int:
    """Tokens whose logits exist at a time: as many as have 256 MiB of them in fp32."""
    tokens = _CHUNK_BYTES // (FP32_BYTES * padded_vocabulary(vocabulary_size))
    return max(tokens // _VOCABULARY_MULTIPLE, 1) * _VOCABULARY_MULTIPLE


@dataclass(frozen=True)
class WorkingMemory:
    """Bytes of one moment."""

    activations: int = 0
    logits: int = 0
    step: int = 0

    @property
    def total(self) -> int:
        """All of them."""
        return self.activations + self.logits + self.step


def peak_working_memory(
    architecture: Architecture,
    *,
    tokens: int,
    value_bytes: int,
    dropout: bool,
    checkpointing: ActivationCheckpointing,
    step_bytes: int,
) -> WorkingMemory:
    """The moment that needs most.

    Args:
        architecture: the model's shape.
        tokens: tokens of one forward pass on one worker.
        value_bytes: bytes of an activation.
        dropout: whether the model has any.
        checkpointing: what is recomputed in the backward pass.
        step_bytes: what an optimizer step needs for itself.
    """
    block = tokens * architecture.family.block_activation_bytes(
        architecture, value_bytes=value_bytes, dropout=dropout
    )
    logits = _output_loss_bytes(architecture, tokens=tokens, value_bytes=value_bytes)
    kept, recomputed = architecture.layers * block, 0
    inputs = block_input_bytes(architecture, tokens=tokens, value_bytes=value_bytes)
    match checkpointing:
        case ActivationCheckpointing.SELECTIVE:
            products = tokens * _product_bytes(architecture, value_bytes=value_bytes)
            kept, recomputed = architecture.layers * (inputs + products), block
        case ActivationCheckpointing.FULL:
            kept, recomputed = architecture.layers * inputs, block
        case ActivationCheckpointing.OFFLOAD:
            kept, recomputed = min(architecture.layers, _INPUTS_ON_DEVICE) * inputs, block
    moments = [
        WorkingMemory(step=step_bytes),
        WorkingMemory(activations=kept, logits=logits),
        WorkingMemory(activations=kept + recomputed),
    ]
    return max(moments, key=lambda moment: moment.total)


_INPUTS_ON_DEVICE = 2
"""Inputs of blocks on the device while the others are offloaded: that of the block which is
computed, and the one that is copied meanwhile."""


def block_input_bytes(architecture: Architecture, *, tokens: int, value_bytes: int) -> int:
    """Bytes of the input of a block."""
    return tokens * architecture.hidden_size * value_bytes


def _product_bytes(architecture: Architecture, *, value_bytes: int) -> int:
    """Bytes of the results of a block's matrix products and attention, for each token.

    Attention keeps an fp32 number for each head beside its output.
    """
    matrices = architecture.family.block_matrices(architecture)
    outputs = sum(int(each.count * each.share * each.outputs) for each in matrices)
    attention = architecture.attention
    return value_bytes * (outputs + attention.query_size) + FP32_BYTES * attention.heads


def _output_loss_bytes(architecture: Architecture, *, tokens: int, value_bytes: int) -> int:
    """Bytes of the loss while a chunk of the logits exists (`training/output_loss.py`)."""
    mixed = value_bytes < FP32_BYTES
    rows = padded_vocabulary(architecture.vocabulary_size)
    chunk = min(tokens, logits_chunk_tokens(architecture.vocabulary_size))
    # The logits, and their fp32 copy where they are not in fp32.
    logits = chunk * rows * (value_bytes + (FP32_BYTES if mixed else 0))
    is_padded = rows != architecture.vocabulary_size
    # The padded weights, the sum of their gradients, and a chunk's part of it.
    weights = value_bytes * is_padded + FP32_BYTES + (value_bytes if mixed else 0)
    of_hidden = tokens * architecture.hidden_size * value_bytes
    return logits + rows * architecture.hidden_size * weights + of_hidden


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
    parameters: int
    trainable: int
    """Parameters that learn."""
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

    @property
    def parallel(self) -> ParallelDims:
        """Arrangement of the ranks of all replicas."""
        return ParallelDims.over(self.replicas * self.workers_per_replica)


def plan_memory(setup: TrainingSetup, device: Device) -> MemoryPlan:
    """Peak memory of one worker.

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
    host = states.host + _offloaded_bytes(setup)
    return MemoryPlan(
        zero_stage=setup.zero_stage,
        offload=setup.offload,
        activation_checkpointing=setup.checkpointing,
        weights_bytes=states.weights,
        gradients_bytes=states.gradients,
        optimizer_bytes=states.optimizer,
        activations_bytes=working.activations,
        logits_bytes=working.logits,
        step_bytes=working.step,
        buffers_bytes=buffers,
        overhead_bytes=overhead,
        total_bytes=total,
        host_bytes=host,
        fits=_fits(setup, device, total, host),
    )


def _offloaded_bytes(setup: TrainingSetup) -> int:
    """Activations in the host's memory, for one worker."""
    if setup.checkpointing is not ActivationCheckpointing.OFFLOAD:
        return 0
    return setup.architecture.layers * block_input_bytes(
        setup.architecture,
        tokens=setup.sequence_length * setup.micro_batch_size,
        value_bytes=value_bytes(setup.precision),
    )


def _fits(setup: TrainingSetup, device: Device, total: int, host: int) -> bool:
    if device.is_cpu:
        return total + host <= device.memory_bytes
    on_hosts = host * setup.workers_per_replica
    return total <= device.memory_bytes and on_hosts <= setup.replica_memory_bytes


def reduce_bucket_parameters(trainable: int) -> int:
    """Parameters whose gradients are reduced at a time (DeepSpeed's `reduce_bucket_size`)."""
    return min(_BUCKET_PARAMETERS, trainable)


def _buffer_bytes(setup: TrainingSetup, device: Device) -> int:
    """DeepSpeed's reduce buckets, two where they overlap, and what stage 3 has gathered."""
    if setup.zero_stage is ZeroStage.NONE:
        return 0
    sharded = setup.zero_stage is ZeroStage.PARAMETERS
    overlaps = not (sharded or device.is_cpu) and setup.parallel.zero_ranks > 1
    buckets = (2 if overlaps else 1) * reduce_bucket_parameters(setup.trainable)
    gathered = min(_LIVE_PARAMETERS, setup.parameters) if sharded else 0
    return value_bytes(setup.precision) * (buckets + gathered)
