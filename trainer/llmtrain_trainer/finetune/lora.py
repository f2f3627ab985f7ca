"""Low-rank adapters (Hu et al. 2021), through peft."""

from collections.abc import Callable

import torch
from peft import LoraConfig, PeftModel, get_peft_model
from transformers import PreTrainedModel

from llmtrain_api.spec.training import Lora


def with_adapters(
    build: Callable[[], PreTrainedModel], lora: Lora, seed: int
) -> Callable[[], PreTrainedModel]:
    """A builder of the same model with adapters on every linear layer of its blocks.

    Args:
        build: makes the base model.
        lora: sizes of the adapters.
        seed: seed of the adapters' initial weights, the same on every rank.
    """

    def build_adapted() -> PreTrainedModel:
        config = LoraConfig(
            r=lora.rank,
            lora_alpha=lora.alpha,
            lora_dropout=lora.dropout,
            target_modules="all-linear",
            task_type="CAUSAL_LM",
        )
        model = build()
        torch.manual_seed(seed)
        adapted: PreTrainedModel = get_peft_model(model, config)
        return adapted

    return build_adapted


def merged(model: PreTrainedModel) -> PreTrainedModel:
    """The model with its adapters added into its own weights; itself where it has none."""
    if not isinstance(model, PeftModel):
        return model
    whole: PreTrainedModel = model.merge_and_unload()
    return whole
