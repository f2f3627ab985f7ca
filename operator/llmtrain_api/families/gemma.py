"""Gemma: Llama with scaled embeddings, GELU in the gate, and fp32 norms (Mesnard et al. 2024)."""

from collections.abc import Mapping
from typing import ClassVar

from llmtrain_api.families.base import Architecture
from llmtrain_api.families.gated import FP32_BYTES, LIKE_LLAMA, GatedFamily


class Gemma(GatedFamily):
    """The models of `transformers.GemmaForCausalLM`."""

    name = "gemma"
    vllm_architecture = "GemmaForCausalLM"
    absent: ClassVar[Mapping[str, object]] = {"head_dim": 256, "num_key_value_heads": 16}
    # Token 0 is Gemma's padding by default: a new model's own token 0 would never be learned.
    constants: ClassVar[Mapping[str, object]] = {"pad_token_id": None}
    tied_by_default = True
    tensor_split = LIKE_LLAMA

    def block_activation_bytes(
        self, shape: Architecture, *, value_bytes: int, dropout: bool
    ) -> int:
        """What Llama keeps, but that the norms' normalized values are in fp32 too."""
        plain = super().block_activation_bytes(shape, value_bytes=value_bytes, dropout=dropout)
        return plain + 2 * (FP32_BYTES - value_bytes) * shape.hidden_size
