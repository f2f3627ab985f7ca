"""Weights, gradients and optimizer states of a worker under ZeRO.

Rajbhandari et al. 2020, section 5 and figure 1. With bf16 a parameter costs 2 bytes as weight, 2 as
gradient and K = 12 in the optimizer: its fp32 copy and AdamW's two fp32 moments. With fp32 it costs
4, 4, and 8 for the moments. Stage 1 divides the optimizer's part by the number of workers that hold
the same part of the model, stage 2 the gradients' too, stage 3 the weights' too.
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
    step: int
    """fp32 gradients of the worker's share, made for the length of an optimizer step."""
    host: int


def value_bytes(precision: Precision) -> int:
    """Bytes of a weight, a gradient or an activation."""
    return 2 if precision is Precision.BF16 else FP32_BYTES


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
        precision: of weights and gradients.
        stage: what is sharded.
        offload: what lies in the host's memory. An offloaded optimizer takes the gradients along,
            in fp32 (Ren et al. 2021, ZeRO-Offload).
    """
    value = value_bytes(precision)
    mixed = precision is Precision.BF16
    share = _share(trainable, shards, sharded=stage >= ZeroStage.OPTIMIZER)
    weights = value * _share(parameters, shards, sharded=stage is ZeroStage.PARAMETERS)
    gradients = value * _share(trainable, shards, sharded=stage >= ZeroStage.GRADIENTS)
    optimizer = (_MOMENTS_BYTES + (FP32_BYTES if mixed else 0)) * share
    if offload is Offload.NONE:
        step = FP32_BYTES * share if mixed else 0
        return ModelStates(weights, gradients, optimizer, step, host=0)
    host = optimizer + FP32_BYTES * share
    if offload is Offload.PARAMETERS:
        return ModelStates(0, 0, 0, 0, host=host + weights)
    return ModelStates(weights, 0, 0, 0, host=host)


def _share(parameters: int, shards: int, *, sharded: bool) -> int:
    return -(-parameters // shards) if sharded else parameters
