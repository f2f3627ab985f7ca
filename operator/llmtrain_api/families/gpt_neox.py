"""GPT-NeoX: partial rotary positions, a parallel residual, biases (Black et al. 2022).

The models of Pythia (Biderman et al. 2023) are of this family.
"""

from collections.abc import Mapping
from typing import ClassVar

from llmtrain_api.families.base import Architecture, ModelFamily
from llmtrain_api.families.config_keys import ConfigKeys
from llmtrain_api.families.rules import ShapeRule
from llmtrain_api.families.shape import Matrix, TensorSplit

_LEAST_HEAD_SIZE = 4
"""A quarter of a smaller head would be nothing: the model would not know any positions."""


class GptNeox(ModelFamily):
    """The models of `transformers.GPTNeoXForCausalLM`."""

    name = "gpt_neox"
    vllm_architecture = "GPTNeoXForCausalLM"
    rotary_settings: ClassVar[Mapping[str, str]] = {
        "rotary_emb_base": "rope_theta",
        "rotary_pct": "partial_rotary_factor",
    }
    keys = ConfigKeys(
        layers="num_hidden_layers",
        hidden_size="hidden_size",
        heads="num_attention_heads",
        rotary_share="rotary_pct",
        attention_bias="attention_bias",
        feed_forward_width="intermediate_size",
        vocabulary_size="vocab_size",
        context_length="max_position_embeddings",
    )
    dropouts: ClassVar[Mapping[str, str]] = {
        "attention_dropout": "attention",
        "hidden_dropout": "embeddings, residuals",
    }
    rotary_share = 0.25
    attention_bias = True
    feed_forward_bias = True
    tied_by_default = False
    default_width = "4 x hiddenSize"
    residual_outputs = (".attention.dense.weight", ".dense_4h_to_h.weight")
    tensor_split = TensorSplit(
        ("query_key_value", "dense_h_to_4h"), ("attention.dense", "dense_4h_to_h")
    )

    @property
    def rules(self) -> tuple[ShapeRule, ...]:
        """A quarter of a head is a number at least."""
        least = ShapeRule(
            "!has(self.hiddenSize) || !has(self.heads)"
            f" || self.hiddenSize >= {_LEAST_HEAD_SIZE} * self.heads",
            f"{self.name} needs hiddenSize / heads of {_LEAST_HEAD_SIZE} or more",
            lambda sizes: sizes.head_size >= _LEAST_HEAD_SIZE,
            lambda sizes: f"{sizes.hidden_size} / {sizes.heads} is {sizes.head_size}",
        )
        return (*super().rules, least)

    def default_feed_forward_width(self, hidden_size: int) -> int:
        """Four times the hidden size."""
        return 4 * hidden_size

    def block_matrices(self, shape: Architecture) -> tuple[Matrix, ...]:
        """Query, key and value in one; attention's output; up and down."""
        width, inner = shape.hidden_size, shape.feed_forward.width
        heads, bias = shape.attention.query_size, shape.attention.bias
        return (
            Matrix(width, 3 * heads, bias=bias),
            Matrix(heads, width, bias=bias),
            Matrix(width, inner, bias=True),
            Matrix(inner, width, bias=True),
        )

    def block_norm_parameters(self, shape: Architecture) -> int:
        """Two LayerNorms of weight and bias."""
        return 2 * 2 * shape.hidden_size

    def other_parameters(self, shape: Architecture) -> int:
        """The last LayerNorm."""
        return 2 * shape.hidden_size

    def block_activation_bytes(
        self, shape: Architecture, *, value_bytes: int, dropout: bool
    ) -> int:
        """The method of Korthikanti et al. 2022, section 4.1, for the operations of this block.

        Of width h: the block's input, which both norms share, and their outputs. Of all heads:
        query, key and value in one, of which attention reads the value; query and key once more
        after their rotation; attention's output, by head and by token. Of the inner width: GELU's
        input and its output. Masks take a byte.

        (Without the parallel residual, use_parallel_residual in a pretrained model's config, the
        second norm has an input of its own: one tensor of width h more.)
        """
        width, inner = shape.hidden_size, shape.feed_forward.width
        masks = 2 * width if dropout else 0
        return value_bytes * (3 * width + 7 * shape.attention.query_size + 2 * inner) + masks

    def block_gradient_bytes(self, shape: Architecture, *, value_bytes: int) -> int:
        """Gradients of the block's output, and of GELU's output and input; the output is gone."""
        return value_bytes * (shape.hidden_size + shape.feed_forward.width)
