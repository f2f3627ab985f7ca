"""New models, with the same weights on every topology."""

import zlib
from collections.abc import Callable, Iterable
from contextlib import AbstractContextManager

import torch
from torch import nn
from transformers import AutoModelForCausalLM, PretrainedConfig, PreTrainedModel
from transformers.initialization import no_init_weights

from llmtrain_trainer.models.config import attention_implementation

Gather = Callable[[Iterable[nn.Parameter]], AbstractContextManager[object]]
"""Makes sharded parameters whole while they are written (ZeRO-3)."""


def new_model(config: PretrainedConfig) -> PreTrainedModel:
    """A model of this shape without weights: they are loaded, or drawn by `initialize`."""
    with no_init_weights():
        model: PreTrainedModel = AutoModelForCausalLM.from_config(
            config,
            dtype=torch.float32,
            attn_implementation=attention_implementation(config),
            trust_remote_code=False,
        )
    model.tie_weights()
    return model


@torch.no_grad()
def initialize(model: PreTrainedModel, *, seed: int, gather: Gather) -> None:
    """Give a new model its family's own initial weights, each module from its own seed.

    Seeding by module makes the weights independent of how construction was sharded, so every ZeRO
    stage and world size starts from the same model.

    Args:
        model: a new model.
        seed: the job's.
        gather: makes parameters whole; a context that does nothing where none are sharded.
    """
    for name, module in reversed(list(model.named_modules())):
        # A family may rescale its children's weights, such as the residual projections.
        owned = [p for part in (module, *module.children()) for p in part.parameters(recurse=False)]
        if not owned:
            continue
        torch.manual_seed(zlib.crc32(f"{seed}/{name}".encode()))
        with gather(owned):
            model._init_weights(module)  # noqa: SLF001 - how every family states its own scheme
