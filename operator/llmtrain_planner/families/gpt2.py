"""GPT-2: learned positions, LayerNorm, biases everywhere (Radford et al. 2019)."""

from llmtrain_planner.families.base import Architecture, FamilyArithmetic


class Gpt2(FamilyArithmetic):
    """The sizes of `transformers.GPT2LMHeadModel`."""

    grouped_query_attention = False

    def default_intermediate_size(self, hidden_size: int) -> int:
        """Four times the hidden size."""
        return 4 * hidden_size

    def block_matrix_parameters(self, architecture: Architecture) -> int:
        """Query, key, value and output projections; two feed-forward matrices."""
        width = architecture.hidden_size
        return 4 * width * width + 2 * width * architecture.intermediate_size

    def block_vector_parameters(self, architecture: Architecture) -> int:
        """Their biases, and two LayerNorms of weight and bias."""
        width = architecture.hidden_size
        biases = 4 * width + architecture.intermediate_size + width
        return biases + 2 * 2 * width

    def other_parameters(self, architecture: Architecture) -> int:
        """The embedding of positions and the last LayerNorm."""
        width = architecture.hidden_size
        return architecture.context_length * width + 2 * width
