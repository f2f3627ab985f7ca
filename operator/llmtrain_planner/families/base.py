"""A model's shape, and what has to be known about a family of models to plan with it."""

from abc import ABC, abstractmethod
from collections.abc import Mapping
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


@dataclass(frozen=True)
class Matrix:
    """A weight that every token is multiplied with."""

    inputs: int
    outputs: int

    @property
    def parameters(self) -> int:
        """Its weights."""
        return self.inputs * self.outputs


class FamilyArithmetic(ABC):
    """How large the parts of a family's models are."""

    tied_by_default: bool
    """Whether a pretrained model shares embedding and output weights unless its config says so."""
    config_keys: Mapping[str, str]
    """Fields of `Architecture` by the names that the family's config.json has for them."""

    @abstractmethod
    def default_intermediate_size(self, hidden_size: int) -> int:
        """Width of the feed-forward layer where the manifest does not set it."""

    @abstractmethod
    def block_matrices(self, architecture: Architecture) -> tuple[Matrix, ...]:
        """The linear layers of a block."""

    @abstractmethod
    def block_vectors(self, architecture: Architecture) -> int:
        """Parameters of a block's biases and norms."""

    @abstractmethod
    def other_parameters(self, architecture: Architecture) -> int:
        """Parameters outside the blocks, but for the embedding of tokens and the output layer."""

    @abstractmethod
    def block_activation_bytes(
        self, architecture: Architecture, *, value_bytes: int, dropout: bool
    ) -> int:
        """What a block keeps for the backward pass, in bytes for each token.

        Attention is torch's SDPA with a flash kernel, which keeps no scores.

        Args:
            architecture: the model's shape.
            value_bytes: bytes of an activation: 2 for bf16.
            dropout: whether masks are kept, too.
        """
