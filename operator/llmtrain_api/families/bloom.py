"""BLOOM: positions as a bias of the scores, a norm after the embedding (Le Scao et al. 2022)."""

from collections.abc import Mapping
from typing import ClassVar

from llmtrain_api.families.base import Architecture, ModelFamily
from llmtrain_api.families.config_keys import Config, ConfigKeys, optional_size
from llmtrain_api.families.shape import Matrix

_FP32_BYTES = 4
_TRAINED_LENGTH = 2048
"""Sequences that BLOOM was trained on; its positions have no limit."""


class Bloom(ModelFamily):
    """The models of `transformers.BloomForCausalLM`."""

    name = "bloom"
    vllm_architecture = "BloomForCausalLM"
    keys = ConfigKeys(
        layers="n_layer",
        hidden_size="hidden_size",
        heads="n_head",
        vocabulary_size="vocab_size",
        # transformers does not read it, and the published models have it.
        context_length="seq_length",
    )
    dropouts: ClassVar[Mapping[str, str]] = {
        "attention_dropout": "attention",
        "hidden_dropout": "residuals",
    }
    # torch.compile fails on its GELU, which has a backward pass of its own.
    compiles = False
    attention_implementation = "eager"
    masks = "refused"
    rotary_share = 0.0
    attention_bias = True
    feed_forward_bias = True
    tied_by_default = True
    default_width = "4 x hiddenSize"
    residual_outputs = (".self_attention.dense.weight", ".dense_4h_to_h.weight")

    def default_feed_forward_width(self, hidden_size: int) -> int:
        """Four times the hidden size; the family has no other."""
        return 4 * hidden_size

    def _context_length(self, config: Config) -> int:
        return optional_size(config, self.keys.context_length) or _TRAINED_LENGTH

    def block_matrices(self, shape: Architecture) -> tuple[Matrix, ...]:
        """Query, key and value in one; attention's output; up and down."""
        width, inner = shape.hidden_size, shape.feed_forward.width
        return (
            Matrix(width, 3 * width, bias=True),
            Matrix(width, width, bias=True),
            Matrix(width, inner, bias=True),
            Matrix(inner, width, bias=True),
        )

    def block_norm_parameters(self, shape: Architecture) -> int:
        """Two LayerNorms of weight and bias."""
        return 2 * 2 * shape.hidden_size

    def other_parameters(self, shape: Architecture) -> int:
        """The LayerNorms after the embedding and after the last block."""
        return 2 * 2 * shape.hidden_size

    def block_activation_bytes(
        self, shape: Architecture, *, value_bytes: int, dropout: bool
    ) -> int:
        """The method of Korthikanti et al. 2022, section 4.1, for the operations of this block.

        Of width h: the inputs of both norms and their outputs; query, key and value by head;
        attention's output by token. Of the inner width: GELU's input and its output. Masks take a
        byte.
        """
        width, inner = shape.hidden_size, shape.feed_forward.width
        masks = 2 * width if dropout else 0
        return value_bytes * (8 * width + 2 * inner) + masks

    def score_bytes(self, shape: Architecture, *, value_bytes: int, sequence_length: int) -> int:
        """Softmax's output in fp32, and once more as values are."""
        copies = _FP32_BYTES + (value_bytes if value_bytes < _FP32_BYTES else 0)
        return copies * shape.attention.heads * sequence_length

    def score_product_bytes(
        self, shape: Architecture, *, value_bytes: int, sequence_length: int
    ) -> int:
        """As values are."""
        return value_bytes * shape.attention.heads * sequence_length

    def block_gradient_bytes(self, shape: Architecture, *, value_bytes: int) -> int:
        """The gradient of GELU is computed in steps: five tensors of the inner width at once."""
        return value_bytes * (2 * shape.hidden_size + 5 * shape.feed_forward.width)
