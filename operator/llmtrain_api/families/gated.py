"""What Llama and its descendants have in common: RMSNorm, rotary positions, a gated layer."""

from collections.abc import Mapping
from typing import ClassVar

from llmtrain_api.families.base import Architecture, ModelFamily
from llmtrain_api.families.config_keys import ConfigKeys
from llmtrain_api.families.shape import Matrix, TensorSplit

FP32_BYTES = 4
_COLUMNS = ("q_proj", "k_proj", "v_proj", "gate_proj", "up_proj")
_ROWS = ("o_proj", "down_proj")
LIKE_LLAMA = TensorSplit(_COLUMNS, _ROWS)
WITH_HEAD_NORMS = TensorSplit(_COLUMNS, _ROWS, partial=("q_norm", "k_norm"))
"""Norms of queries and keys are shared by all heads."""
LLAMA_KEYS = ConfigKeys(
    layers="num_hidden_layers",
    hidden_size="hidden_size",
    heads="num_attention_heads",
    key_value_heads="num_key_value_heads",
    head_size="head_dim",
    attention_bias="attention_bias",
    feed_forward_width="intermediate_size",
    vocabulary_size="vocab_size",
    context_length="max_position_embeddings",
)
_SMALL_HIDDEN_SIZE = 1024
"""Below it, rounding to 256 would change the width of the feed-forward layer a lot."""


class GatedFamily(ModelFamily):
    """Families whose blocks are those of Llama, but for norms, biases or experts."""

    keys = LLAMA_KEYS
    dropouts: ClassVar[Mapping[str, str]] = {"attention_dropout": "attention"}
    rotary_settings: ClassVar[Mapping[str, str]] = {"rope_theta": "rope_theta"}
    rotary_share = 1.0
    attention_bias = False
    feed_forward_bias = False
    default_width = "8/3 x hiddenSize rounded up to a multiple of 256, of 64 for small models"
    residual_outputs = (".o_proj.weight", ".down_proj.weight")

    def default_feed_forward_width(self, hidden_size: int) -> int:
        """8/3 of the hidden size, rounded up to a multiple of 256, of 64 below 1024.

        Three matrices of this width hold as many weights as two of four times the hidden size
        (Shazeer 2020); Llama rounds up to 256.
        """
        multiple = 64 if hidden_size < _SMALL_HIDDEN_SIZE else 256
        return -(-8 * hidden_size // (3 * multiple)) * multiple

    def block_matrices(self, shape: Architecture) -> tuple[Matrix, ...]:
        """Query, key, value and attention's output; gate, up and down."""
        width = shape.hidden_size
        inner, bias = shape.feed_forward.width, shape.feed_forward.bias
        return (
            *self.attention_matrices(shape),
            Matrix(width, inner, bias=bias),
            Matrix(width, inner, bias=bias),
            Matrix(inner, width, bias=bias),
        )

    def attention_matrices(self, shape: Architecture) -> tuple[Matrix, ...]:
        """Query, key, value and attention's output."""
        width, attention = shape.hidden_size, shape.attention
        return (
            Matrix(width, attention.query_size, bias=attention.bias),
            Matrix(width, attention.key_value_size, bias=attention.bias),
            Matrix(width, attention.key_value_size, bias=attention.bias),
            Matrix(attention.query_size, width, bias=attention.bias),
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
        after its activation, up, and their product. Attention's dropout keeps a seed, no mask.
        """
        del dropout
        norms = 2 * (FP32_BYTES + 2 * value_bytes) * shape.hidden_size
        return (
            norms
            + self.attention_bytes(shape, value_bytes=value_bytes)
            + 4 * value_bytes * shape.feed_forward.width
        )

    def attention_bytes(self, shape: Architecture, *, value_bytes: int) -> int:
        """Query, key, value and attention's output."""
        attention = shape.attention
        return 2 * value_bytes * (attention.query_size + attention.key_value_size)

    def block_gradient_bytes(self, shape: Architecture, *, value_bytes: int) -> int:
        """Gradients of the block's output, of the gated product, and of its two factors.

        The product itself is gone by then.
        """
        return value_bytes * (shape.hidden_size + 2 * shape.feed_forward.width)


def head_norm_parameters(shape: Architecture) -> int:
    """Norms of queries and of keys, each shared by all heads."""
    return 2 * shape.attention.head_size


def head_norm_bytes(shape: Architecture, *, input_bytes: int, value_bytes: int) -> int:
    """Input and normalized value of the norms of queries and keys, for each token."""
    attention = shape.attention
    normed = attention.query_size + attention.key_value_size
    return (input_bytes + value_bytes) * normed
