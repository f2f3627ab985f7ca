"""Qwen3: Llama with a norm on each head of queries and keys (Yang et al. 2025)."""

from collections.abc import Mapping
from typing import ClassVar

from llmtrain_api.families.base import Architecture
from llmtrain_api.families.gated import (
    FP32_BYTES,
    WITH_HEAD_NORMS,
    GatedFamily,
    head_norm_bytes,
    head_norm_parameters,
)


class Qwen3(GatedFamily):
    """The models of `transformers.Qwen3ForCausalLM`."""

    name = "qwen3"
    vllm_architecture = "Qwen3ForCausalLM"
    absent: ClassVar[Mapping[str, object]] = {"head_dim": 128, "num_key_value_heads": 32}
    tied_by_default = False
    tensor_split = WITH_HEAD_NORMS

    def block_norm_parameters(self, shape: Architecture) -> int:
        """Two RMSNorms, and those of queries and keys, which all heads share."""
        return 2 * shape.hidden_size + head_norm_parameters(shape)

    def attention_bytes(self, shape: Architecture, *, value_bytes: int) -> int:
        """What Llama keeps, and of the norms of queries and keys input and normalized value."""
        plain = super().attention_bytes(shape, value_bytes=value_bytes)
        return plain + head_norm_bytes(shape, input_bytes=FP32_BYTES, value_bytes=value_bytes)
