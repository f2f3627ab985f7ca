"""GPT-J: partial rotary positions of neighbouring numbers, a parallel residual (Wang 2021)."""

from collections.abc import Mapping
from typing import ClassVar

from llmtrain_api.families.base import Architecture, ModelFamily
from llmtrain_api.families.config_keys import ConfigKeys
from llmtrain_api.families.rules import ShapeRule
from llmtrain_api.families.shape import Matrix, TensorSplit

_FP32_BYTES = 4
_LARGEST_ROTATION = 64
_LEAST_HEAD_SIZE = 2


class GptJ(ModelFamily):
    """The models of `transformers.GPTJForCausalLM`."""

    name = "gptj"
    vllm_architecture = "GPTJForCausalLM"
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
    attention_implementation = "eager"
    masks = "4-D"
    rotary_share = 0.25
    attention_bias = False
    feed_forward_bias = True
    tied_by_default = False
    default_width = "4 x hiddenSize"
    width_is_optional = True
    residual_outputs = (".attn.out_proj.weight", ".fc_out.weight")
    tensor_split = TensorSplit(("q_proj", "k_proj", "v_proj", "fc_in"), ("out_proj", "fc_out"))

    @property
    def rules(self) -> tuple[ShapeRule, ...]:
        """Rotary positions turn pairs: a head has one at least."""
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

    def to_config(self, shape: Architecture, *, dropout: float) -> dict[str, object]:
        """A quarter of a head is turned, 64 numbers at most, as in the model of 6 billion."""
        pairs = max(1, shape.attention.head_size // 8)
        rotation = {"rotary_dim": min(_LARGEST_ROTATION, 2 * pairs)}
        return super().to_config(shape, dropout=dropout) | rotation

    def block_matrices(self, shape: Architecture) -> tuple[Matrix, ...]:
        """Query, key, value and attention's output; up and down."""
        width, inner = shape.hidden_size, shape.feed_forward.width
        heads = shape.attention.query_size
        return (
            *(Matrix(width, heads) for _ in range(3)),
            Matrix(heads, width),
            Matrix(width, inner, bias=True),
            Matrix(inner, width, bias=True),
        )

    def block_norm_parameters(self, shape: Architecture) -> int:
        """One LayerNorm of weight and bias."""
        return 2 * shape.hidden_size

    def other_parameters(self, shape: Architecture) -> int:
        """The last LayerNorm, and the bias of the output layer."""
        return 2 * shape.hidden_size + shape.vocabulary_size

    def block_activation_bytes(
        self, shape: Architecture, *, value_bytes: int, dropout: bool
    ) -> int:
        """The method of Korthikanti et al. 2022, section 4.1, for the operations of this block.

        Of width h: the norm's input and output. Of all heads: query and key in fp32, value, and
        attention's output by token. Of the inner width: GELU's input and its output. Masks take a
        byte.
        """
        width, inner = shape.hidden_size, shape.feed_forward.width
        heads = shape.attention.query_size
        masks = 2 * width if dropout else 0
        values = value_bytes * (2 * width + 2 * heads + 2 * inner)
        return 2 * _FP32_BYTES * heads + values + masks

    def score_bytes(self, shape: Architecture, *, value_bytes: int, sequence_length: int) -> int:
        """Softmax's output in fp32, and once more as values are."""
        copies = _FP32_BYTES + (value_bytes if value_bytes < _FP32_BYTES else 0)
        return copies * shape.attention.heads * sequence_length

    def score_product_bytes(
        self, shape: Architecture, *, value_bytes: int, sequence_length: int
    ) -> int:
        """In fp32, whatever values are."""
        del value_bytes
        return _FP32_BYTES * shape.attention.heads * sequence_length

    def block_gradient_bytes(self, shape: Architecture, *, value_bytes: int) -> int:
        """Gradients of the block's output, and of GELU's output and input; the output is gone."""
        return value_bytes * (shape.hidden_size + shape.feed_forward.width)
