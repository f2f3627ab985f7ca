"""DeepSpeed's configuration, and what it has no setting for."""

import logging
import types
from typing import Any

import torch
from torch import Tensor, nn

from llmtrain_api.spec.training import Offload, Precision, ZeroStage
from llmtrain_planner.memory import reduce_bucket_parameters
from llmtrain_trainer.training.mesh import device
from llmtrain_trainer.training.task import LoopSettings

_log = logging.getLogger(__name__)
_NEVER = 10**12
_PINNED_BYTES = 64 * 2**20
_EPSILON = 1e-6


def deepspeed_config(settings: LoopSettings, *, ranks: int) -> dict[str, Any]:
    """DeepSpeed's own configuration for these settings.

    Args:
        settings: settings of the training loop.
        ranks: ranks that share the states of the model.
    """
    training = settings.training
    zero: dict[str, Any] = {
        "stage": int(training.zero.stage),
        # A rank alone has nothing to wait for, and the second bucket costs memory.
        "overlap_comm": device().type == "cuda" and ranks > 1,
        "contiguous_gradients": True,
    }
    if training.zero.offload is not Offload.NONE:
        offload = {"device": "cpu", "pin_memory": _can_pin()}
        zero["offload_optimizer"] = offload
        if training.zero.offload is Offload.PARAMETERS:
            zero["offload_param"] = offload
    bf16 = training.precision is not Precision.FP32
    # Without ZeRO, DeepSpeed's bf16 would keep no fp32 weights; autocast does.
    autocast = bf16 and training.zero.stage is ZeroStage.NONE
    return {
        "train_micro_batch_size_per_gpu": settings.batch.micro_batch_size,
        "gradient_accumulation_steps": settings.batch.accumulation_steps,
        "gradient_clipping": training.optimizer.clip,
        # The loop looks at the norm itself; DeepSpeed would make the host wait, and skip the step.
        "bf16": {"enabled": bf16 and not autocast, "check_grad_overflow": False},
        "torch_autocast": {"enabled": autocast, "dtype": "bfloat16"},
        "zero_optimization": zero,
        "zero_allow_untested_optimizer": True,
        "zero_force_ds_cpu_optimizer": False,
        "steps_per_print": _NEVER,
    }


def fit_buckets(config: dict[str, Any], model: nn.Module) -> None:
    """Make the buckets of gradients no larger than the model: each is allocated in full.

    Args:
        config: DeepSpeed's configuration; it is changed.
        model: the model whose gradients they take.
    """
    trainable = sum(
        getattr(parameter, "ds_numel", parameter.numel())  # ZeRO-3 hides the size
        for parameter in model.parameters()
        if parameter.requires_grad
    )
    config["zero_optimization"]["reduce_bucket_size"] = reduce_bucket_parameters(trainable)


def _can_pin() -> bool:
    """Whether host memory can be page-locked, so that copies to the GPU run beside its work.

    Containers may limit it; then offloading goes on without, more slowly.
    """
    if device().type != "cuda":
        return False
    try:
        torch.empty(_PINNED_BYTES, dtype=torch.uint8, pin_memory=True)
    except RuntimeError as error:
        _log.warning("host memory cannot be page-locked, so offloading is slower: %s", error)
        return False
    return True


def clip_without_waiting(optimizer: Any) -> None:  # noqa: ANN401 - DeepSpeed has no types
    """Have DeepSpeed's optimizer of stage 1 or 2 clip gradients on the device alone.

    Its own method asks whether the norm is valid, once for each group of parameters, and makes the
    host wait each time. The loop looks at each norm itself before anything of the step is kept.

    Args:
        optimizer: DeepSpeed's; it is changed.
    """
    optimizer.unscale_and_clip_grads = types.MethodType(_unscale_and_clip, optimizer)


def _unscale_and_clip(optimizer: Any, gradients: list[Tensor], norm: Tensor) -> None:  # noqa: ANN401
    """Scale gradients to at most the norm that is allowed.

    Args:
        optimizer: DeepSpeed's, with its loss scale and its limit of the norm; 0 is no limit.
        gradients: flat gradients of this rank's share; changed in place.
        norm: norm of all gradients, with the loss scale; a scalar on the device.
    """
    scale = optimizer.loss_scale
    if optimizer.clip_grad > 0:
        excess = (norm / scale + _EPSILON) / optimizer.clip_grad
        scale = torch.clamp(excess, min=1.0) * scale
    elif scale == 1:
        return
    for gradient in gradients:
        gradient.mul_(1.0 / scale)
