"""Mixtral: Llama with experts (Jiang et al. 2024)."""

from collections.abc import Mapping
from typing import ClassVar

from llmtrain_api.families.config_keys import ConfigKeys
from llmtrain_api.families.mixture import MixtureFamily


class Mixtral(MixtureFamily):
    """The models of `transformers.MixtralForCausalLM`."""

    name = "mixtral"
    vllm_architecture = "MixtralForCausalLM"
    keys = ConfigKeys(
        layers="num_hidden_layers",
        hidden_size="hidden_size",
        heads="num_attention_heads",
        key_value_heads="num_key_value_heads",
        head_size="head_dim",
        feed_forward_width="intermediate_size",
        experts="num_local_experts",
        experts_per_token="num_experts_per_tok",  # noqa: S106 - no password
        balance_weight="router_aux_loss_coef",
        window="sliding_window",
        vocabulary_size="vocab_size",
        context_length="max_position_embeddings",
    )
    absent: ClassVar[Mapping[str, object]] = {
        "num_key_value_heads": 8,
        "num_local_experts": 8,
        "num_experts_per_tok": 2,
    }
    tied_by_default = False
