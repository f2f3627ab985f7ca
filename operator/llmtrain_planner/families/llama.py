"""Llama: rotary positions, RMSNorm, SwiGLU, no biases (Touvron et al. 2023)."""

from llmtrain_planner.families.base import Architecture, FamilyArithmetic, Matrix

_SMALL_HIDDEN_SIZE = 1024
"""Below it, rounding to 256 would change the width of the feed-forward layer a lot."""
_FP32_BYTES = 4


class Llama(FamilyArithmetic):
    """The sizes of `transformers.LlamaForCausalLM`."""

    tied_by_default = False
    config_keys = {  # noqa: RUF012 - constant
        "layers": "num_hidden_layers",
        "hidden_size": "hidden_size",
        "heads": "num_attention_heads",
        "key_value_heads": "num_key_value_heads",
        "intermediate_size": "intermediate_size",
        "vocabulary_size": "vocab_size",
        "context_length": "max_position_embeddings",
    }

    def default_intermediate_size(self, hidden_size: int) -> int:
        """8/3 of the hidden size, rounded up to a multiple of 256, of 64 below 1024.

        Three matrices of this width hold as many weights as two of four times the hidden size
        (Shazeer 2020); Llama rounds up to 256.
        """
        multiple = 64 if hidden_size < _SMALL_HIDDEN_SIZE else 256
        return -(-8 * hidden_size // (3 * multiple)) * multiple

    def block_matrices(self, architecture: Architecture) -> tuple[Matrix, ...]:
        """Query, key, value and attention's output; gate, up and down."""
        width, inner = architecture.hidden_size, architecture.intermediate_size
        return (
            Matrix(width, width),
            Matrix(width, architecture.key_value_size),
            Matrix(width, architecture.key_value_size),
            Matrix(width, width),
            Matrix(width, inner),
            Matrix(width, inner),
            Matrix(inner, width),
        )

    def block_vectors(self, architecture: Architecture) -> int:
        """Two RMSNorms."""
        return 2 * architecture.hidden_size

    def other_parameters(self, architecture: Architecture) -> int:
        """The last RMSNorm."""
        return architecture.hidden_size

    def block_activation_bytes(
        self, architecture: Architecture, *, value_bytes: int, dropout: bool
    ) -> int:
        """The method of Korthikanti et al. 2022, section 4.1, for the operations of this block.

        Each norm computes in fp32: it keeps its input so, its normalized value, and its output.
        Attention keeps query, key, value and its output; the feed-forward layer keeps gate, gate
        after SiLU, up, and their product. Attention's dropout keeps a seed, no mask.
        """
        del dropout
        width, inner = architecture.hidden_size, architecture.intermediate_size
        norms = 2 * (_FP32_BYTES + 2 * value_bytes) * width
        attention = value_bytes * (2 * width + 2 * architecture.key_value_size)
        return norms + attention + value_bytes * 4 * inner
