"""A model's shape, and what has to be known about a family of models to plan with it."""

from abc import ABC, abstractmethod
from dataclasses import dataclass

from llmtrain_api.spec.model import Family


@dataclass(frozen=True)
class Architecture:
    """A model's shape with every default filled in."""

    family: Family
    layers: int
    """Transformer blocks."""
    hidden_size: int
    """Width of the residual stream."""
    heads: int
    """Attention heads."""
    key_value_heads: int
    """Heads of keys and values."""
    intermediate_size: int
    """Width of the feed-forward layer."""
    vocabulary_size: int
    """Rows of the embedding."""
    context_length: int
    """Longest sequence, in tokens."""
    tie_embeddings: bool
    """Whether the embedding and the output layer share their weights."""

    @property
    def head_size(self) -> int:
        """Width of one attention head."""
        return self.hidden_size // self.heads

    @property
    def key_value_size(self) -> int:
        """Width of all keys, or of all values, of a token."""
        return self.key_value_heads * self.head_size


class FamilyArithmetic(ABC):
    """How large the parts of a family's models are."""

    grouped_query_attention: bool = True
    """Whether keys and values may have fewer heads than queries."""

    @abstractmethod
    def default_intermediate_size(self, hidden_size: int) -> int:
        """Width of the feed-forward layer where the manifest does not set it."""

    @abstractmethod
    def block_matrix_parameters(self, architecture: Architecture) -> int:
        """Weights of a block that every token is multiplied with."""

    @abstractmethod
    def block_vector_parameters(self, architecture: Architecture) -> int:
        """Biases and norms of a block."""

    @abstractmethod
    def other_parameters(self, architecture: Architecture) -> int:
        """Parameters outside the blocks, but for the embedding of tokens and the output layer."""
