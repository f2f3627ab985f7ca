"""Mixtral: Llama with experts (Jiang et al. 2024)."""

from collections.abc import Mapping
from dataclasses import replace
from typing import ClassVar

from llmtrain_api.families.gated import LLAMA_KEYS
from llmtrain_api.families.mixture import MixtureFamily


class Mixtral(MixtureFamily):
    """The models of `transformers.MixtralForCausalLM`."""

    name = "mixtral"
    vllm_architecture = "MixtralForCausalLM"
    keys = replace(
        LLAMA_KEYS,
        attention_bias=None,
        experts="num_local_experts",
        experts_per_token="num_experts_per_tok",  # noqa: S106 - no password
        balance_weight="router_aux_loss_coef",
        window="sliding_window",
    )
    absent: ClassVar[Mapping[str, object]] = {
        "num_key_value_heads": 8,
        "num_local_experts": 8,
        "num_experts_per_tok": 2,
    }
    tied_by_default = False
