"""How many parameters a model has."""

from llmtrain_api.families.base import Architecture


def count_parameters(architecture: Architecture) -> int:
    """Parameters of the `transformers` model of this shape, exactly; shared weights count once."""
    family = architecture.family
    embedding = architecture.vocabulary_size * architecture.hidden_size
    output = 0 if architecture.tie_embeddings else embedding
    matrices = sum(matrix.parameters for matrix in family.block_matrices(architecture))
    blocks = architecture.layers * (matrices + family.block_norm_parameters(architecture))
    return embedding + output + family.other_parameters(architecture) + blocks


def count_active_block_weights(architecture: Architecture) -> int:
    """Weights of a transformer block that a token is multiplied with."""
    return sum(each.active_weights for each in architecture.family.block_matrices(architecture))


def count_lora_parameters(architecture: Architecture, rank: int) -> int:
    """Parameters of low-rank adapters on every linear layer of the blocks (Hu et al. 2021)."""
    matrices = architecture.family.block_matrices(architecture)
    return architecture.layers * rank * sum(m.count * (m.inputs + m.outputs) for m in matrices)
