"""Llama: rotary positions, RMSNorm, SwiGLU, no biases (Touvron et al. 2023)."""

from llmtrain_planner.families.base import Architecture, FamilyArithmetic

_SMALL_HIDDEN_SIZE = 1024
"""Below it, rounding to 256 would change the width of the feed-forward layer a lot."""


class Llama(FamilyArithmetic):
    """The sizes of `transformers.LlamaForCausalLM`."""

    def default_intermediate_size(self, hidden_size: int) -> int:
        """8/3 of the hidden size, rounded up to a multiple of 256, of 64 below 1024.

        Three matrices of this width hold as many weights as two of four times the hidden size
        (Shazeer 2020); Llama rounds up to 256.
        """
        multiple = 64 if hidden_size < _SMALL_HIDDEN_SIZE else 256
        return -(-8 * hidden_size // (3 * multiple)) * multiple

    def block_matrix_parameters(self, architecture: Architecture) -> int:
        """Query and output, key and value projections; gate, up and down matrices."""
        width = architecture.hidden_size
        attention = 2 * width * width + 2 * width * architecture.key_value_size
        return attention + 3 * width * architecture.intermediate_size

    def block_vector_parameters(self, architecture: Architecture) -> int:
        """Two RMSNorms."""
        return 2 * architecture.hidden_size

    def other_parameters(self, architecture: Architecture) -> int:
        """The last RMSNorm."""
        return architecture.hidden_size
