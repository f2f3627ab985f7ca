"""Llama: rotary positions, RMSNorm, SwiGLU, no biases (Touvron et al. 2023)."""

from collections.abc import Mapping
from typing import ClassVar

from llmtrain_api.families.base import Architecture, ModelFamily
from llmtrain_api.families.config_keys import ConfigKeys
from llmtrain_api.families.shape import Matrix

_SMALL_HIDDEN_SIZE = 1024
"""Below it, rounding to 256 would change the width of the feed-forward layer a lot."""
_FP32_BYTES = 4


class Llama(ModelFamily):
    """The models of `transformers.LlamaForCausalLM`."""

    name = "llama"
    vllm_architecture = "LlamaForCausalLM"
    rotary_settings: ClassVar[Mapping[str, str]] = {"rope_theta": "rope_theta"}
    is_in_previous = True
    keys = ConfigKeys(
        layers="num_hidden_layers",
        hidden_size="hidden_size",
        heads="num_attention_heads",
        key_value_heads="num_key_value_heads",
        head_size="head_dim",
        attention_bias="attention_bias",
        feed_forward_width="intermediate_size",
        feed_forward_bias="mlp_bias",
        vocabulary_size="vocab_size",
        context_length="max_position_embeddings",
    )
    dropouts: ClassVar[Mapping[str, str]] = {"attention_dropout": "attention"}
    rotary_share = 1.0
    attention_bias = False
    feed_forward_bias = False
    tied_by_default = False
    default_width = "8/3 x hiddenSize rounded up to a multiple of 256, of 64 for small models"

    def default_feed_forward_width(self, hidden_size: int) -> int:
        """8/3 of the hidden size, rounded up to a multiple of 256, of 64 below 1024.

        Three matrices of this width hold as many weights as two of four times the hidden size
        (Shazeer 2020); Llama rounds up to 256.
        """
        multiple = 64 if hidden_size < _SMALL_HIDDEN_SIZE else 256
        return -(-8 * hidden_size // (3 * multiple)) * multiple

    def block_matrices(self, shape: Architecture) -> tuple[Matrix, ...]:
        """Query, key, value and attention's output; gate, up and down."""
        width, attention = shape.hidden_size, shape.attention
        inner, bias = shape.feed_forward.width, shape.feed_forward.bias
        return (
            Matrix(width, attention.query_size, bias=attention.bias),
            Matrix(width, attention.key_value_size, bias=attention.bias),
            Matrix(width, attention.key_value_size, bias=attention.bias),
            Matrix(attention.query_size, width, bias=attention.bias),
            Matrix(width, inner, bias=bias),
            Matrix(width, inner, bias=bias),
            Matrix(inner, width, bias=bias),
        )

    def block_norm_parameters(self, shape: Architecture) -> int:
        """Two RMSNorms."""
        return 2 * shape.hidden_size

    def other_parameters(self, shape: Architecture) -> int:
        """The last RMSNorm."""
        return shape.hidden_size

    def block_activation_bytes(
        self, shape: Architecture, *, value_bytes: int, dropout: bool
    ) -> int:
        """The method of Korthikanti et al. 2022, section 4.1, for the operations of this block.

        Each norm computes in fp32: it keeps its input so, its normalized value, and its output.
        Attention keeps query, key, value and its output; the feed-forward layer keeps gate, gate
        after SiLU, up, and their product. Attention's dropout keeps a seed, no mask.
        """
        del dropout
        width, attention = shape.hidden_size, shape.attention
        norms = 2 * (_FP32_BYTES + 2 * value_bytes) * width
        kept = 2 * attention.query_size + 2 * attention.key_value_size
        return norms + value_bytes * (kept + 4 * shape.feed_forward.width)

    def block_gradient_bytes(self, shape: Architecture, *, value_bytes: int) -> int:
        """Gradients of the block's output, of the gated product, and of its two factors.

        The product itself is gone by then.
        """
        return value_bytes * (shape.hidden_size + 2 * shape.feed_forward.width)
