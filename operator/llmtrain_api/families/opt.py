"""OPT: learned positions, ReLU, biases (Zhang et al. 2022)."""

from collections.abc import Mapping
from typing import ClassVar

from llmtrain_api.families.base import Architecture, ModelFamily
from llmtrain_api.families.config_keys import Config, ConfigKeys
from llmtrain_api.families.shape import Matrix, TensorSplit

_UNUSED_POSITIONS = 2
"""Rows of the embedding of positions that come before the first."""


class Opt(ModelFamily):
    """The models of `transformers.OPTForCausalLM`."""

    name = "opt"
    vllm_architecture = "OPTForCausalLM"
    keys = ConfigKeys(
        layers="num_hidden_layers",
        hidden_size="hidden_size",
        heads="num_attention_heads",
        attention_bias="enable_bias",
        feed_forward_width="ffn_dim",
        feed_forward_bias="enable_bias",
        vocabulary_size="vocab_size",
        context_length="max_position_embeddings",
    )
    details: ClassVar[Mapping[str, object]] = {
        "do_layer_norm_before": True,
        "_remove_final_layer_norm": False,
        "layer_norm_elementwise_affine": True,
        "word_embed_proj_dim": None,
    }
    # Token 1 is OPT's padding by default: a new model's own token 1 would never be learned.
    constants: ClassVar[Mapping[str, object]] = {"pad_token_id": None}
    dropouts: ClassVar[Mapping[str, str]] = {
        "attention_dropout": "attention",
        "dropout": "residuals",
    }
    rotary_share = 0.0
    attention_bias = True
    feed_forward_bias = True
    tied_by_default = True
    default_width = "4 x hiddenSize"
    residual_outputs = (".out_proj.weight", ".fc2.weight")
    tensor_split = TensorSplit(("q_proj", "k_proj", "v_proj", "fc1"), ("out_proj", "fc2"))

    def default_feed_forward_width(self, hidden_size: int) -> int:
        """Four times the hidden size."""
        return 4 * hidden_size

    def details_of(self, config: Config) -> Mapping[str, object]:
        """The details in a config.json; an embedding as wide as the hidden states is usual."""
        details = dict(super().details_of(config))
        if details["word_embed_proj_dim"] == config.get("hidden_size"):
            details["word_embed_proj_dim"] = None
        return details

    def embedding_width(self, shape: Architecture) -> int:
        """Columns of the embedding: as many as hidden states have, but for OPT 350M."""
        width = shape.details["word_embed_proj_dim"]
        return width if isinstance(width, int) else shape.hidden_size

    def block_matrices(self, shape: Architecture) -> tuple[Matrix, ...]:
        """Query, key, value and attention's output; up and down."""
        width, inner, bias = shape.hidden_size, shape.feed_forward.width, shape.attention.bias
        heads = shape.attention.query_size
        return (
            *(Matrix(width, heads, bias=bias) for _ in range(3)),
            Matrix(heads, width, bias=bias),
            Matrix(width, inner, bias=bias),
            Matrix(inner, width, bias=bias),
        )

    def _norm_parameters(self, shape: Architecture) -> int:
        return 2 * shape.hidden_size if shape.details["layer_norm_elementwise_affine"] else 0

    def block_norm_parameters(self, shape: Architecture) -> int:
        """Two LayerNorms of weight and bias."""
        return 2 * self._norm_parameters(shape)

    def other_matrices(self, shape: Architecture) -> tuple[Matrix, ...]:
        """From the width of the embedding to that of the hidden states, and back."""
        width, narrow = shape.hidden_size, self.embedding_width(shape)
        return () if narrow == width else (Matrix(narrow, width), Matrix(width, narrow))

    def other_parameters(self, shape: Architecture) -> int:
        """The embedding of positions and the last LayerNorm, where there is one."""
        positions = (shape.context_length + _UNUSED_POSITIONS) * shape.hidden_size
        is_last = (
            shape.details["do_layer_norm_before"] and not shape.details["_remove_final_layer_norm"]
        )
        return positions + (self._norm_parameters(shape) if is_last else 0)

    def block_activation_bytes(
        self, shape: Architecture, *, value_bytes: int, dropout: bool
    ) -> int:
        """The method of Korthikanti et al. 2022, section 4.1, for the operations of this block.

        Of width h: the inputs of both norms and their outputs. Of all heads: query, key, value, and
        attention's output. Of the inner width: ReLU's output, of which it needs no more. Masks take
        a byte.
        """
        width, inner = shape.hidden_size, shape.feed_forward.width
        masks = 2 * width if dropout else 0
        return value_bytes * (4 * width + 4 * shape.attention.query_size + inner) + masks

    def block_gradient_bytes(self, shape: Architecture, *, value_bytes: int) -> int:
        """Gradients of the block's output, and of ReLU's output and input; the output is gone."""
        return value_bytes * (shape.hidden_size + shape.feed_forward.width)
