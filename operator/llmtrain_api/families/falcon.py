"""Falcon: attention and feed-forward layer side by side, shared keys (Almazrouei et al. 2023)."""

from collections.abc import Mapping
from typing import ClassVar

from llmtrain_api.families.base import Architecture, ModelFamily
from llmtrain_api.families.config_keys import Config, ConfigKeys
from llmtrain_api.families.shape import Matrix

_TWO = 2


class Falcon(ModelFamily):
    """The models of `transformers.FalconForCausalLM`.

    A new one is of the kind of Falcon 40B; pretrained ones of 1, 7 and 180 billion parameters and
    of Falcon 2 are of others.
    """

    name = "falcon"
    vllm_architecture = "FalconForCausalLM"
    rotary_settings: ClassVar[Mapping[str, str]] = {"rope_theta": "rope_theta"}
    keys = ConfigKeys(
        layers="num_hidden_layers",
        hidden_size="hidden_size",
        heads="num_attention_heads",
        key_value_heads="num_kv_heads",
        attention_bias="bias",
        feed_forward_width="ffn_hidden_size",
        feed_forward_bias="bias",
        vocabulary_size="vocab_size",
        context_length="max_position_embeddings",
    )
    details: ClassVar[Mapping[str, object]] = {
        "new_decoder_architecture": False,
        "multi_query": True,
        "parallel_attn": True,
        "num_ln_in_parallel_attn": None,
        "alibi": False,
    }
    constants: ClassVar[Mapping[str, object]] = {
        "new_decoder_architecture": True,
        "num_ln_in_parallel_attn": 2,
    }
    dropouts: ClassVar[Mapping[str, str]] = {
        "attention_dropout": "attention of models with ALiBi",
        "hidden_dropout": "residuals",
    }
    masks = "4-D"
    rotary_share = 1.0
    attention_bias = False
    feed_forward_bias = False
    tied_by_default = True
    default_width = "4 x hiddenSize"
    width_is_optional = True
    residual_outputs = (".self_attention.dense.weight", ".dense_4h_to_h.weight")

    def default_feed_forward_width(self, hidden_size: int) -> int:
        """Four times the hidden size."""
        return 4 * hidden_size

    def details_of(self, config: Config) -> Mapping[str, object]:
        """The details in a config.json, but for those that others make meaningless."""
        details = dict(super().details_of(config))
        if details["new_decoder_architecture"]:
            details |= {"multi_query": True, "parallel_attn": True}
            details["num_ln_in_parallel_attn"] = details["num_ln_in_parallel_attn"] or _TWO
        return details

    def from_config(self, config: Config) -> Architecture:
        """The shape that a config.json describes, in which multi-query attention is one head.

        Raises:
            ShapeError: it lacks a size.
        """
        if config.get("new_decoder_architecture"):
            return super().from_config(config)
        one = {"num_kv_heads": 1 if config.get("multi_query", True) else None}
        return super().from_config({**config, **one})

    def block_matrices(self, shape: Architecture) -> tuple[Matrix, ...]:
        """Query, key and value in one; attention's output; up and down."""
        width, attention = shape.hidden_size, shape.attention
        inner, bias = shape.feed_forward.width, attention.bias
        return (
            Matrix(width, attention.query_size + 2 * attention.key_value_size, bias=bias),
            Matrix(width, width, bias=bias),
            Matrix(width, inner, bias=bias),
            Matrix(inner, width, bias=bias),
        )

    def _norms(self, shape: Architecture) -> int:
        is_parallel = shape.details["parallel_attn"]
        two = not is_parallel or shape.details["num_ln_in_parallel_attn"] == _TWO
        return _TWO if two else 1

    def block_norm_parameters(self, shape: Architecture) -> int:
        """One or two LayerNorms of weight and bias."""
        return self._norms(shape) * 2 * shape.hidden_size

    def other_parameters(self, shape: Architecture) -> int:
        """The last LayerNorm."""
        return 2 * shape.hidden_size

    def block_activation_bytes(
        self, shape: Architecture, *, value_bytes: int, dropout: bool
    ) -> int:
        """The method of Korthikanti et al. 2022, section 4.1, for the operations of this block.

        Of width h: the input of the norms and their outputs; query, key and value of each head,
        since attention repeats shared ones, but for a value that all share; attention's output, by
        head and by token. Of the inner width: GELU's input and its output. Masks take a byte.
        """
        width, inner, attention = shape.hidden_size, shape.feed_forward.width, shape.attention
        masks = width if dropout else 0
        value = attention.head_size if attention.key_value_heads == 1 else width
        return value_bytes * ((5 + self._norms(shape)) * width + value + 2 * inner) + masks

    def block_gradient_bytes(self, shape: Architecture, *, value_bytes: int) -> int:
        """Gradients of the block's output, and of GELU's output and input; the output is gone."""
        return value_bytes * (shape.hidden_size + shape.feed_forward.width)
