"""Qwen3 with experts, each of them narrow (Yang et al. 2025)."""

from collections.abc import Mapping
from dataclasses import replace
from typing import ClassVar

from llmtrain_api.families.base import Architecture
from llmtrain_api.families.config_keys import Config, ShapeError
from llmtrain_api.families.gated import (
    FP32_BYTES,
    LLAMA_KEYS,
    head_norm_bytes,
    head_norm_parameters,
)
from llmtrain_api.families.mixture import MixtureFamily


class Qwen3Moe(MixtureFamily):
    """The models of `transformers.Qwen3MoeForCausalLM`."""

    name = "qwen3_moe"
    vllm_architecture = "Qwen3MoeForCausalLM"
    keys = replace(
        LLAMA_KEYS,
        feed_forward_width="moe_intermediate_size",
        experts="num_experts",
        experts_per_token="num_experts_per_tok",  # noqa: S106 - no password
        balance_weight="router_aux_loss_coef",
    )
    absent: ClassVar[Mapping[str, object]] = {
        "num_key_value_heads": 4,
        "num_experts": 128,
        "num_experts_per_tok": 8,
    }
    renamed: ClassVar[Mapping[str, str]] = {"num_local_experts": "num_experts"}
    constants: ClassVar[Mapping[str, object]] = {"norm_topk_prob": True}
    tied_by_default = False
    default_width = "3/4 x hiddenSize rounded up to a multiple of 64"

    def default_feed_forward_width(self, hidden_size: int) -> int:
        """3/4 of the hidden size, rounded up to a multiple of 64: two of 8 experts are active."""
        return -(-3 * hidden_size // (4 * 64)) * 64

    def from_config(self, config: Config) -> Architecture:
        """The shape that a config.json describes.

        Raises:
            ShapeError: it lacks a size, or some of its layers have no experts.
        """
        if config.get("decoder_sparse_step", 1) != 1 or config.get("mlp_only_layers"):
            raise ShapeError(
                "decoder_sparse_step or mlp_only_layers leaves layers without experts; supported "
                "are 1 and an empty list, experts in each layer"
            )
        return super().from_config(config)

    def block_norm_parameters(self, shape: Architecture) -> int:
        """Two RMSNorms, and those of queries and keys, which all heads share."""
        return 2 * shape.hidden_size + head_norm_parameters(shape)

    def attention_bytes(self, shape: Architecture, *, value_bytes: int) -> int:
        """What Llama keeps, and of the norms of queries and keys input and normalized value."""
        plain = super().attention_bytes(shape, value_bytes=value_bytes)
        return plain + head_norm_bytes(shape, input_bytes=FP32_BYTES, value_bytes=value_bytes)
