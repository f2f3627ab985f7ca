"""Gemma 3: windows in five of six layers, norms before and after (Kamath et al. 2025).

Its text model alone. The pretrained models with images have a config of another kind around it.
"""

from collections.abc import Mapping
from dataclasses import replace
from typing import ClassVar

from llmtrain_api.families.base import Architecture
from llmtrain_api.families.config_keys import Config, ShapeError
from llmtrain_api.families.gated import (
    FP32_BYTES,
    LLAMA_KEYS,
    WITH_HEAD_NORMS,
    GatedFamily,
    head_norm_bytes,
    head_norm_parameters,
)

_CAPS = ("final_logit_softcapping", "attn_logit_softcapping")


class Gemma3Text(GatedFamily):
    """The models of `transformers.Gemma3ForCausalLM`."""

    name = "gemma3_text"
    vllm_architecture = "Gemma3ForCausalLM"
    rotary_settings: ClassVar[Mapping[str, str]] = {
        "rope_theta": "full_attention.rope_theta",
        "rope_local_base_freq": "sliding_attention.rope_theta",
    }
    keys = replace(LLAMA_KEYS, window="sliding_window")
    absent: ClassVar[Mapping[str, object]] = {
        "head_dim": 256,
        "num_key_value_heads": 4,
        "sliding_window": 4096,
    }
    # Token 0 is Gemma's padding by default: a new model's own token 0 would never be learned.
    constants: ClassVar[Mapping[str, object]] = {"pad_token_id": None}
    tied_by_default = True
    tensor_split = WITH_HEAD_NORMS
    new_window = 512

    def to_config(self, shape: Architecture, *, dropout: float) -> dict[str, object]:
        """Scores are divided by the root of the head size, whatever that is."""
        scale = {"query_pre_attn_scalar": shape.attention.head_size}
        return super().to_config(shape, dropout=dropout) | scale

    def from_config(self, config: Config) -> Architecture:
        """The shape that a config.json describes.

        Raises:
            ShapeError: it lacks a size, or its scores or logits are capped, as those of Gemma 2.
        """
        for key in _CAPS:
            if config.get(key) is not None:
                raise ShapeError(f"{key} is {config[key]!r}; supported is null")
        return super().from_config(config)

    def block_norm_parameters(self, shape: Architecture) -> int:
        """Four RMSNorms, and those of queries and keys, which all heads share."""
        return 4 * shape.hidden_size + head_norm_parameters(shape)

    def block_activation_bytes(
        self, shape: Architecture, *, value_bytes: int, dropout: bool
    ) -> int:
        """What Gemma keeps, and input and normalized value of two more norms, both in fp32."""
        plain = super().block_activation_bytes(shape, value_bytes=value_bytes, dropout=dropout)
        first = 2 * (FP32_BYTES - value_bytes) * shape.hidden_size
        return plain + first + 2 * 2 * FP32_BYTES * shape.hidden_size

    def attention_bytes(self, shape: Architecture, *, value_bytes: int) -> int:
        """What Llama keeps, and of the norms of queries and keys input and normalized value."""
        plain = super().attention_bytes(shape, value_bytes=value_bytes)
        return plain + head_norm_bytes(shape, input_bytes=FP32_BYTES, value_bytes=FP32_BYTES)
