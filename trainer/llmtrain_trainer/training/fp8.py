"""8-bit matrix products in the blocks of a model (`precision: fp8`), by torchao."""

import logging
import sys

import torch
from torch import nn

from llmtrain_trainer.errors import UserError
from llmtrain_trainer.training.compiling import blocks_of

_log = logging.getLogger(__name__)
_HOPPER = (9, 0)
_MULTIPLE = 16
"""Sizes of an 8-bit product must be multiples of this (cuBLASLt, `torch._scaled_mm`)."""


def use_fp8(model: nn.Module, device: torch.device) -> int:
    """Have the linear layers of a model's blocks multiply in 8-bit floats.

    Each product scales its inputs by their largest value (Micikevicius et al. 2022): weights and
    activations become e4m3, gradients e5m2. Weights, optimizer and everything outside of the
    blocks stay as they are, and so do the names of the weights.

    Args:
        model: it is changed; its weights need not be there yet.
        device: what the rank computes on.

    Returns:
        The number of layers that changed.

    Raises:
        UserError: the device or the model is not made for it.
    """
    _require_hopper(device)
    if sys.modules.get("torchao", ...) is None:  # hidden from transformers
        del sys.modules["torchao"]
    from torchao.float8 import Float8LinearConfig, convert_to_float8_training

    found = [
        layer
        for block in blocks_of(model)
        for layer in block.modules()
        if type(layer) is nn.Linear
        and layer.in_features % _MULTIPLE == 0
        and layer.out_features % _MULTIPLE == 0
    ]
    if not found:
        raise UserError(
            "precision: fp8 is for models whose blocks have linear layers with sizes that are "
            f"multiples of {_MULTIPLE}; this one has none; set precision: bf16"
        )
    chosen = {id(layer) for layer in found}
    convert_to_float8_training(
        model,
        config=Float8LinearConfig.from_recipe_name("tensorwise"),
        module_filter_fn=lambda layer, _name: id(layer) in chosen,
    )
    _log.info("%d linear layers multiply in 8-bit floats", len(found))
    return len(found)


def _require_hopper(device: torch.device) -> None:
    if device.type != "cuda":
        raise UserError("precision: fp8 needs an NVIDIA GPU, Hopper or later; set precision: bf16")
    if torch.cuda.get_device_capability(device) < _HOPPER:
        raise UserError(
            f"precision: fp8 needs an NVIDIA GPU of the Hopper generation or later; "
            f"{torch.cuda.get_device_name(device)} is older; set precision: bf16"
        )
