"""Transformers models of a planned shape, without memory for their weights."""

from typing import Literal

import torch
from transformers import AutoModelForCausalLM, PreTrainedModel

from llmtrain_api.families import Family
from llmtrain_api.families.base import Architecture
from llmtrain_api.spec.model import Model
from llmtrain_planner.architecture import resolve_architecture
from llmtrain_trainer.models.config import model_config
from llmtrain_trainer.training.attention import use_own_attention

EXPERTS_WITHOUT_VALUES = "batched_mm"
"""The way to compute experts that does not look at how many tokens each of them gets."""
PACKING = [family for family in Family if family.definition.masks != "refused"]
"""Families whose documents may share a sequence."""
COMPILED = [family for family in Family if family.definition.compiles]
SPLIT = [family for family in Family if family.definition.tensor_split is not None]
"""Families that tensor parallelism splits."""
WITH_EXPERTS = [family for family in Family if family.definition.new_experts]
WITHOUT_MASKS = [family for family in Family if family.definition.masks == "none"]


def key_value_heads(family: Family, heads: int) -> tuple[int, ...]:
    """Numbers of key and value heads that models of a family can have, beside `heads`."""
    return (heads,) if family.definition.keys.key_value_heads is None else (heads, heads // 2, 1)


def tiny_shape(
    family: Family, *, layers: int = 2, vocabulary_size: int = 301, context_length: int = 16
) -> Architecture:
    """A shape of a family, so small that a test may compute with it."""
    section = Model(family=family, layers=layers, hidden_size=32, heads=4)
    return resolve_architecture(
        section, vocabulary_size=vocabulary_size, context_length=context_length
    )


def build_model(
    shape: Architecture,
    *,
    device: Literal["meta", "cpu", "cuda"] = "meta",
    attention: str | None = None,
    dropout: float = 0.0,
    dtype: torch.dtype = torch.float32,
) -> PreTrainedModel:
    """The model that the trainer would train."""
    config = model_config(shape, dropout=dropout)
    with torch.device(device):
        model: PreTrainedModel = AutoModelForCausalLM.from_config(
            config,
            attn_implementation=attention or shape.family.attention_implementation,
            experts_implementation=EXPERTS_WITHOUT_VALUES if device == "meta" else None,
            dtype=dtype,
        )
    use_own_attention(model)
    return model.train()
