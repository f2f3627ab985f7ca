"""Low-rank adapters (Hu et al. 2021), through peft."""

from collections.abc import Callable

import torch
from peft import LoraConfig, PeftModel, get_peft_model
from torch import nn
from transformers import PreTrainedModel

from llmtrain_api.families import find_family
from llmtrain_api.spec.training import Lora


def with_adapters(
    build: Callable[[], PreTrainedModel], lora: Lora, seed: int
) -> Callable[[], PreTrainedModel]:
    """A builder of the same model with adapters on every linear layer of its blocks.

    Routers and experts are no linear layers, and stay as they are.

    Args:
        build: makes the base model.
        lora: sizes of the adapters.
        seed: seed of the adapters' initial weights, the same on every rank.
    """

    def build_adapted() -> PreTrainedModel:
        model = build()
        config = LoraConfig(
            r=lora.rank,
            lora_alpha=lora.alpha,
            lora_dropout=lora.dropout,
            target_modules=adapted_layers(model),
            task_type="CAUSAL_LM",
        )
        torch.manual_seed(seed)
        adapted: PreTrainedModel = get_peft_model(model, config)
        return adapted

    return build_adapted


def adapted_layers(model: PreTrainedModel) -> str | list[str]:
    """What `peft` adapts of a model, in its words: every linear layer but the output.

    Experts are no linear layers, but `peft` would adapt them all the same, and the routers: it
    takes "all-linear" for what had been linear before `transformers` made one tensor of all
    experts. It would compute the weights of all experts anew in each forward pass.
    """
    family = find_family(model.config.model_type)
    if family is None or family.new_experts is None:
        return "all-linear"
    output = model.get_output_embeddings()
    return sorted(
        {
            name.rpartition(".")[2]
            for name, module in model.named_modules()
            if type(module) is nn.Linear and module is not output
        }
    )


def merged(model: PreTrainedModel) -> PreTrainedModel:
    """The model with its adapters added into its own weights; itself where it has none."""
    if not isinstance(model, PeftModel):
        return model
    whole: PreTrainedModel = model.merge_and_unload()
    return whole
