"""How many parameters a model has."""

from llmtrain_planner.families import family_arithmetic
from llmtrain_planner.families.base import Architecture


def count_parameters(architecture: Architecture) -> int:
    """Parameters of the `transformers` model of this shape, exactly; shared weights count once."""
    family = family_arithmetic(architecture.family)
    embedding = architecture.vocabulary_size * architecture.hidden_size
    output = 0 if architecture.tie_embeddings else embedding
    return (
        embedding
        + output
        + family.other_parameters(architecture)
        + architecture.layers * count_block_parameters(architecture)
    )


def count_block_parameters(architecture: Architecture) -> int:
    """Parameters of one transformer block."""
    family = family_arithmetic(architecture.family)
    return family.block_matrix_parameters(architecture) + family.block_vector_parameters(
        architecture
    )
