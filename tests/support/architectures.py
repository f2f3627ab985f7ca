"""Transformers models of a planned shape, without memory for their weights."""

from typing import Literal

import torch
from transformers import AutoModelForCausalLM, PreTrainedModel

from llmtrain_planner.architecture import Architecture
from llmtrain_trainer.models.families import model_config


def build_model(
    shape: Architecture,
    *,
    device: Literal["meta", "cpu"] = "meta",
    attention: Literal["eager", "sdpa"] = "sdpa",
    dropout: float = 0.0,
    dtype: torch.dtype = torch.float32,
) -> PreTrainedModel:
    """The model that the trainer would train."""
    config = model_config(shape, dropout=dropout)
    with torch.device(device):
        return AutoModelForCausalLM.from_config(
            config, attn_implementation=attention, dtype=dtype
        ).train()
