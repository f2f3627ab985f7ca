"""How many parameters a model has."""

from llmtrain_planner.families import family_arithmetic
from llmtrain_planner.families.base import Architecture


def count_parameters(architecture: Architecture) -> int:
    """Parameters of the `transformers` model of this shape, exactly; shared weights count once."""
    family = family_arithmetic(architecture.family)
    embedding = architecture.vocabulary_size * architecture.hidden_size
    output = 0 if architecture.tie_embeddings else embedding
    block = count_block_weights(architecture) + family.block_vectors(architecture)
    return embedding + output + family.other_parameters(architecture) + architecture.layers * block


def count_block_weights(architecture: Architecture) -> int:
    """Weights of a transformer block that a token is multiplied with."""
    matrices = family_arithmetic(architecture.family).block_matrices(architecture)
    return sum(matrix.parameters for matrix in matrices)


def count_lora_parameters(architecture: Architecture, rank: int) -> int:
    """Parameters of low-rank adapters on every linear layer of the blocks (Hu et al. 2021)."""
    matrices = family_arithmetic(architecture.family).block_matrices(architecture)
    return architecture.layers * rank * sum(m.inputs + m.outputs for m in matrices)
