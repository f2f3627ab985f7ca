"""New models with the same weights on every topology, and pretrained ones from a folder."""

import zlib
from collections.abc import Callable, Iterable
from contextlib import AbstractContextManager
from pathlib import Path

import torch
from torch import nn
from transformers import AutoConfig, AutoModelForCausalLM, PretrainedConfig, PreTrainedModel

from llmtrain_trainer.errors import UserError

Gather = Callable[[Iterable[nn.Parameter]], AbstractContextManager[object]]
"""Makes sharded parameters whole while they are written (ZeRO-3)."""


def new_model(config: PretrainedConfig) -> PreTrainedModel:
    """A model of this shape; `initialize` gives it its weights."""
    return AutoModelForCausalLM.from_config(
        config, dtype=torch.float32, attn_implementation="sdpa", trust_remote_code=False
    )


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
        # A family may rescale its children's weights (GPT-2's residual projections).
        owned = [p for part in (module, *module.children()) for p in part.parameters(recurse=False)]
        if not owned:
            continue
        torch.manual_seed(zlib.crc32(f"{seed}/{name}".encode()))
        with gather(owned):
            model._init_weights(module)  # noqa: SLF001 - how every family states its own scheme


def load_model(folder: Path, *, dropout: float) -> PreTrainedModel:
    """A pretrained model in fp32, from safetensors only.

    Raises:
        UserError: the folder holds no such model.
    """
    require_model(folder)
    config = AutoConfig.from_pretrained(folder, trust_remote_code=False)
    for field in ("attention_dropout", "resid_pdrop", "embd_pdrop", "attn_pdrop"):
        if hasattr(config, field):
            setattr(config, field, dropout)
    return AutoModelForCausalLM.from_pretrained(
        folder,
        config=config,
        dtype=torch.float32,
        attn_implementation="sdpa",
        trust_remote_code=False,
        use_safetensors=True,
    )


def require_model(folder: Path) -> None:
    """Make sure that a folder holds a model that can be loaded safely.

    Raises:
        UserError: it has no config, or no weights as safetensors.
    """
    if not (folder / "config.json").is_file():
        raise UserError(
            f"{folder}: no model there (config.json is missing); "
            "give a Hugging Face folder with config.json and *.safetensors"
        )
    if not list(folder.glob("*.safetensors")):
        raise UserError(
            f"{folder}: no *.safetensors; pickled weights are never loaded, "
            "since they can run code. Convert them with `save_pretrained` first"
        )
