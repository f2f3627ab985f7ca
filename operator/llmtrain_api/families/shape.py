"""The parts of a model's shape: attention, the feed-forward layer, and the matrices of a block."""

from dataclasses import dataclass
from fractions import Fraction


@dataclass(frozen=True)
class Attention:
    """How the positions of a sequence look at each other."""

    heads: int
    """Heads of the queries."""
    key_value_heads: int
    """Heads of the keys and values; fewer than `heads` with grouped-query attention."""
    head_size: int
    """Width of one head."""
    rotary_share: float
    """Share of a head that rotary positions turn; 0 for a family without them."""
    bias: bool
    """Whether its linear layers have biases."""

    @property
    def query_size(self) -> int:
        """Width of all queries of a token."""
        return self.heads * self.head_size

    @property
    def key_value_size(self) -> int:
        """Width of all keys, or of all values, of a token."""
        return self.key_value_heads * self.head_size


@dataclass(frozen=True)
class Experts:
    """Feed-forward layers side by side, of which a router chooses some for each token."""

    number: int
    per_token: int
    """Experts that a token goes through."""

    @property
    def share(self) -> Fraction:
        """Share of the tokens that an expert gets where all are used alike."""
        return Fraction(self.per_token, self.number)


@dataclass(frozen=True)
class FeedForward:
    """The layer after attention."""

    width: int
    """Width between its matrices; where it has experts, between those of each."""
    bias: bool
    """Whether its linear layers have biases."""
    experts: Experts | None = None
    """None for one layer that all tokens go through."""

    @property
    def active_width(self) -> int:
        """Width between the matrices that a token is multiplied with."""
        return self.width * (self.experts.per_token if self.experts else 1)


@dataclass(frozen=True)
class TensorSplit:
    """The linear layers of a block that tensor parallelism splits, by the ends of their names.

    Each rank has some of the heads and some of the feed-forward layer's width (Shoeybi et al. 2019,
    Megatron-LM, section 3). All else is whole on every rank.
    """

    columns: tuple[str, ...]
    """Layers whose outputs are split."""
    rows: tuple[str, ...]
    """Layers whose inputs are split; their outputs are summed over the ranks."""
    partial: tuple[str, ...] = ()
    """Whole weights that a rank applies to its own heads alone: their gradients are summed."""


@dataclass(frozen=True)
class Matrix:
    """A linear layer of a block, or several of one size, such as those of all experts."""

    inputs: int
    outputs: int
    bias: bool = False
    count: int = 1
    """Number of matrices of this size in a block."""
    share: Fraction = Fraction(1)
    """Share of the tokens that each of them is multiplied with: 2/8 for the matrices of 8 experts
    where the router sends a token to 2."""
    adapted: bool = True
    """Whether LoRA adapts it. peft adapts linear layers: a router and the experts of a block, which
    `transformers` keeps in one tensor, are none."""

    @property
    def parameters(self) -> int:
        """All weights and biases."""
        return self.count * (self.inputs + int(self.bias)) * self.outputs

    @property
    def active_weights(self) -> int:
        """Weights that a token is multiplied with, on average."""
        return int(self.count * self.share * self.inputs * self.outputs)
