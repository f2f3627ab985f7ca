"""GPT-2: learned positions, LayerNorm, biases everywhere (Radford et al. 2019)."""

from collections.abc import Mapping
from typing import ClassVar

from llmtrain_api.families.base import Architecture, ModelFamily
from llmtrain_api.families.config_keys import ConfigKeys
from llmtrain_api.families.shape import Matrix


class Gpt2(ModelFamily):
    """The models of `transformers.GPT2LMHeadModel`."""

    name = "gpt2"
    vllm_architecture = "GPT2LMHeadModel"
    is_in_previous = True
    keys = ConfigKeys(
        layers="n_layer",
        hidden_size="n_embd",
        heads="n_head",
        feed_forward_width="n_inner",
        vocabulary_size="vocab_size",
        context_length="n_positions",
    )
    # The same function as the library's own gelu_new in one kernel: it keeps 2 tensors, not 5.
    constants: ClassVar[Mapping[str, object]] = {"activation_function": "gelu_pytorch_tanh"}
    dropouts: ClassVar[Mapping[str, str]] = {
        "embd_pdrop": "embeddings",
        "attn_pdrop": "attention",
        "resid_pdrop": "residuals",
    }
    rotary_share = 0.0
    attention_bias = True
    feed_forward_bias = True
    tied_by_default = True
    default_width = "4 x hiddenSize"
    width_is_optional = True

    def default_feed_forward_width(self, hidden_size: int) -> int:
        """Four times the hidden size."""
        return 4 * hidden_size

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
        """The embedding of positions and the last LayerNorm."""
        return (shape.context_length + 2) * shape.hidden_size

    def block_activation_bytes(
        self, shape: Architecture, *, value_bytes: int, dropout: bool
    ) -> int:
        """Korthikanti et al. 2022, section 4.1, without the scores: 34 h in bf16 with dropout.

        Of width h: the inputs of both norms and their outputs, query, key, value, and attention's
        output. Of the inner width: GELU's input and its output. Masks take a byte.

        (A pretrained model whose config says gelu_new computes GELU in steps, and keeps three more
        tensors of the inner width.)
        """
        width, inner = shape.hidden_size, shape.feed_forward.width
        masks = 2 * width if dropout else 0
        return value_bytes * (8 * width + 2 * inner) + masks

    def block_gradient_bytes(self, shape: Architecture, *, value_bytes: int) -> int:
        """Gradients of the block's output, and of GELU's output and input; the output is gone."""
        return value_bytes * (shape.hidden_size + shape.feed_forward.width)
