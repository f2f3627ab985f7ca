"""FLOPs of a model for a token.

Chowdhery et al. 2022 (PaLM), appendix B: 6 N + 12 L H Q T floating point operations a token, where
L H Q is layers x heads x head size and T the sequence length. N counts the weights that a token is
multiplied with: those of the blocks and of the output layer, not the embedding, which is a look-up
(Kaplan et al. 2020, table 1). A multiply-add is two operations, and the backward pass costs twice
the forward pass.

Attention counts in full, as both papers and torch's FlopCounterMode do, though causal kernels may
skip half of it. Recomputed activations do not count: MFU measures useful work.
"""

from llmtrain_api.families.base import Architecture
from llmtrain_planner.architecture import count_active_block_weights, count_lora_parameters


def training_flops_per_token(architecture: Architecture, sequence_length: int) -> int:
    """FLOPs of the forward and backward pass for one token.

    Args:
        architecture: the model's shape.
        sequence_length: tokens of a sequence, all of which attend to all.
    """
    return 3 * forward_flops_per_token(architecture, sequence_length)


def lora_flops_per_token(architecture: Architecture, sequence_length: int, rank: int) -> int:
    """FLOPs of the forward and backward pass for one token where only adapters learn.

    The frozen weights need no gradient, so their backward pass costs as much as their forward
    pass. (Attention has no weights: its backward pass costs twice as much.)

    Args:
        architecture: the model's shape.
        sequence_length: tokens of a sequence.
        rank: the adapters'.
    """
    attention = _attention_flops_per_token(architecture, sequence_length)
    frozen = forward_flops_per_token(architecture, sequence_length) - attention
    adapters = 2 * count_lora_parameters(architecture, rank)
    return 2 * frozen + 3 * attention + 3 * adapters


def forward_flops_per_token(architecture: Architecture, sequence_length: int) -> int:
    """FLOPs of the forward pass for one token."""
    family = architecture.family
    blocks = architecture.layers * count_active_block_weights(architecture)
    others = sum(each.active_weights for each in family.other_matrices(architecture))
    output = architecture.vocabulary_size * family.embedding_width(architecture)
    return 2 * (blocks + others + output) + _attention_flops_per_token(
        architecture, sequence_length
    )


def _attention_flops_per_token(architecture: Architecture, sequence_length: int) -> int:
    # Scores: query_size multiply-adds for each position; weighing the values: as many.
    return 2 * architecture.layers * 2 * sequence_length * architecture.attention.query_size
