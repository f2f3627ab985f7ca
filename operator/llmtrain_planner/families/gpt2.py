"""GPT-2: learned positions, LayerNorm, biases everywhere (Radford et al. 2019)."""

from llmtrain_planner.families.base import Architecture, FamilyArithmetic, Matrix


class Gpt2(FamilyArithmetic):
    """The sizes of `transformers.GPT2LMHeadModel`."""

    tied_by_default = True
    config_keys = {  # noqa: RUF012 - constant
        "layers": "n_layer",
        "hidden_size": "n_embd",
        "heads": "n_head",
        "intermediate_size": "n_inner",
        "vocabulary_size": "vocab_size",
        "context_length": "n_positions",
    }

    def default_intermediate_size(self, hidden_size: int) -> int:
        """Four times the hidden size."""
        return 4 * hidden_size

    def block_matrices(self, architecture: Architecture) -> tuple[Matrix, ...]:
        """Query, key and value in one; attention's output; up and down."""
        width, inner = architecture.hidden_size, architecture.intermediate_size
        return (
            Matrix(width, 3 * width),
            Matrix(width, width),
            Matrix(width, inner),
            Matrix(inner, width),
        )

    def block_vectors(self, architecture: Architecture) -> int:
        """A bias for each matrix, and two LayerNorms of weight and bias."""
        biases = sum(matrix.outputs for matrix in self.block_matrices(architecture))
        return biases + 2 * 2 * architecture.hidden_size

    def other_parameters(self, architecture: Architecture) -> int:
        """The embedding of positions and the last LayerNorm."""
        width = architecture.hidden_size
        return architecture.context_length * width + 2 * width

    def block_activation_bytes(
        self, architecture: Architecture, *, value_bytes: int, dropout: bool
    ) -> int:
        """Korthikanti et al. 2022, section 4.1, without the scores: 34 h in bf16 with dropout.

        Of width h: the inputs of both norms and their outputs, query, key, value, and attention's
        output. Of the inner width: GELU's input and its output. Masks take a byte.

        (A pretrained model whose config says gelu_new computes GELU in steps, and keeps three more
        tensors of the inner width.)
        """
        width, inner = architecture.hidden_size, architecture.intermediate_size
        masks = 2 * width if dropout else 0
        return value_bytes * (8 * width + 2 * inner) + masks
