"""Blocks with a router and experts in the place of the feed-forward layer."""

from llmtrain_api.families.base import Architecture
from llmtrain_api.families.gated import FP32_BYTES, GatedFamily
from llmtrain_api.families.shape import Experts, Matrix

_INDEX_BYTES = 8


class MixtureFamily(GatedFamily):
    """Families with gated experts: each token goes through a few of them."""

    new_experts = Experts(8, per_token=2)
    residual_outputs = (".o_proj.weight", ".experts.down_proj")

    def experts(self, shape: Architecture) -> Experts:
        """The numbers of experts."""
        experts = shape.feed_forward.experts
        assert experts is not None, "each shape of the family has them"
        return experts

    def block_matrices(self, shape: Architecture) -> tuple[Matrix, ...]:
        """Attention as in Llama; the router; gate and up of an expert in one; down."""
        width, inner, experts = shape.hidden_size, shape.feed_forward.width, self.experts(shape)
        return (
            *self.attention_matrices(shape),
            Matrix(width, experts.number, adapted=False),
            Matrix(width, 2 * inner, count=experts.number, share=experts.share, adapted=False),
            Matrix(inner, width, count=experts.number, share=experts.share, adapted=False),
        )

    def block_activation_bytes(
        self, shape: Architecture, *, value_bytes: int, dropout: bool
    ) -> int:
        """Llama's norms and attention; the router; and for each of a token's experts its part.

        An expert keeps a copy of its input, gate and up, gate after its activation, their product,
        and its output.
        """
        del dropout
        experts = self.experts(shape)
        norms = 2 * (FP32_BYTES + 2 * value_bytes) * shape.hidden_size
        expert = value_bytes * (2 * shape.hidden_size + 4 * shape.feed_forward.width)
        router = FP32_BYTES * experts.number + experts.per_token * 4 * _INDEX_BYTES
        return (
            norms
            + self.attention_bytes(shape, value_bytes=value_bytes)
            + experts.per_token * expert
            + router
        )

    def block_gradient_bytes(self, shape: Architecture, *, value_bytes: int) -> int:
        """Gradients of the block's output, and of the gated product and its two factors."""
        width, experts = shape.hidden_size, self.experts(shape)
        return value_bytes * (width + experts.per_token * (width + 2 * shape.feed_forward.width))
