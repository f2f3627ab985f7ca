"""Model states of one worker: weights, gradients and optimizer states under ZeRO.

Source: Rajbhandari et al. 2020, section 5 and figure 1. With bf16 a parameter costs 2 bytes as
weight, 2 as gradient and K = 12 in the optimizer: its fp32 copy and AdamW's two fp32 moments. With
fp32 it costs 4, 4, and 8 for the moments; under ZeRO 12, since DeepSpeed makes the copy there too.
Stage 1 divides the optimizer's part by the number of workers that hold the same part of the model,
stage 2 the gradients' too, stage 3 the weights' too.

bf16 without ZeRO is autocast over fp32 weights: 4, 4 and 8, the same sum.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from llmtrain_api.spec.training import Offload, Precision, ZeroStage

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
    share: int
    """Parameters whose optimizer states this worker holds."""
    step: int
    """fp32 gradients of the share, made for the length of an optimizer step."""
    step_gradients: int
    """Gradients in the precision of training that are left in an optimizer step: the share's."""
    host: int
    copy: int
    """Host bytes of the copy that a checkpoint is written from beside training (ADR 33)."""
    first_copy: int
    """Those on rank 0 besides: it alone saves what is not sharded."""


def value_bytes(precision: Precision) -> int:
    """Bytes of a weight, a gradient or an activation."""
    return FP32_BYTES if precision is Precision.FP32 else 2


def is_autocast(precision: Precision, stage: ZeroStage) -> bool:
    """Whether weights stay in fp32, and are cast in each forward pass."""
    return precision is not Precision.FP32 and stage is ZeroStage.NONE


def model_states(
    *,
    parameters: int,
    trainable: int,
    largest: int,
    shards: int,
    precision: Precision,
    stage: ZeroStage,
    offload: Offload,
) -> ModelStates:
    """Model states of one worker.

    Args:
        parameters: all of the model's.
        trainable: those that learn; adapters alone with LoRA.
        largest: those of the largest tensor that learns.
        shards: ranks that ZeRO shards the states over.
        precision: precision of weights and gradients.
        stage: what is sharded.
        offload: what lies in the host's memory. An offloaded optimizer takes the gradients along,
            in fp32 (Ren et al. 2021, ZeRO-Offload).
    """
    value = FP32_BYTES if is_autocast(precision, stage) else value_bytes(precision)
    is_sharded = stage >= ZeroStage.OPTIMIZER
    share = _share(trainable, shards, sharded=is_sharded)
    weights = value * _share(parameters, shards, sharded=stage is ZeroStage.PARAMETERS)
    gradients = value * _share(trainable, shards, sharded=stage >= ZeroStage.GRADIENTS)
    # ZeRO keeps a copy of the weights that it shards, in fp32 whatever they are in.
    optimizer = (_MOMENTS_BYTES + (FP32_BYTES if is_sharded else 0)) * share
    if offload is Offload.NONE:
        return ModelStates(
            weights,
            gradients,
            optimizer,
            share,
            step=FP32_BYTES * share if is_sharded else 0,
            step_gradients=value * share,
            host=0,
            copy=optimizer if is_sharded else 0,
            first_copy=_unsharded_bytes(value * trainable, optimizer, stage),
        )
    host = optimizer + FP32_BYTES * share
    if stage is ZeroStage.PARAMETERS:
        away = offload is Offload.PARAMETERS
        on_device, on_host = (0, weights) if away else (weights, 0)
        return ModelStates(on_device, 0, 0, share, 0, 0, host=host + on_host, copy=0, first_copy=0)
    return ModelStates(
        weights,
        _unsharded_gradients(value, trainable, largest, stage),
        0,
        share,
        0,
        value * largest,
        host=host + value * (share + largest + (share if stage is ZeroStage.GRADIENTS else 0)),
        copy=0,
        first_copy=0,
    )


def _unsharded_gradients(value: int, trainable: int, largest: int, stage: ZeroStage) -> int:
    """Gradients on the device while stage 1 or 2 keeps the optimizer on the host.

    DeepSpeed 0.19, `stage_1_and_2.py`: stage 1 hands gradients over at the end of the last micro
    batch, stage 2 as they come. On the host lie a copy of the updated weights, the gradients of
    the micro batches so far (stage 2), and `temp_grad_buffer_for_cpu_offload`, as large as the
    largest tensor; on the device `temp_grad_buffer_for_gpu_offload`.
    """
    kept = trainable if stage is ZeroStage.OPTIMIZER else 0
    return value * (kept + largest)


def _unsharded_bytes(weights: int, optimizer: int, stage: ZeroStage) -> int:
    """Bytes of the states that learn and that every rank holds in full."""
    if stage is ZeroStage.PARAMETERS:
        return 0
    return weights + (optimizer if stage is ZeroStage.NONE else 0)


def _share(parameters: int, shards: int, *, sharded: bool) -> int:
    return -(-parameters // shards) if sharded else parameters
