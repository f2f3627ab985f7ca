"""Rules that a family adds to the manifest's model section, each as a Python check and as CEL."""

from collections.abc import Callable
from dataclasses import dataclass


@dataclass(frozen=True)
class HeadSizes:
    """The numbers of the model section that a rule looks at."""

    hidden_size: int
    heads: int
    key_value_heads: int
    head_size: int


@dataclass(frozen=True)
class ShapeRule:
    """A rule that the models of one family keep."""

    expression: str
    """CEL over the model section, true where one of its numbers is absent."""
    message: str
    """Message of the API server for a broken rule."""
    is_kept: Callable[[HeadSizes], bool]
    """The same rule in Python."""
    details: Callable[[HeadSizes], str]
    """The numbers that broke the rule, for the end of the message: `36 / 4 is 9`."""

    def fault(self, sizes: HeadSizes) -> str | None:
        """Message about wrong sizes; None if they are right."""
        return None if self.is_kept(sizes) else f"{self.message}; {self.details(sizes)}"


def as_many_key_value_heads(family: str) -> ShapeRule:
    """A rule for families without grouped-query attention."""
    return ShapeRule(
        "!has(self.keyValueHeads) || !has(self.heads) || self.keyValueHeads == self.heads",
        f"{family} has as many keyValueHeads as heads",
        lambda sizes: sizes.key_value_heads == sizes.heads,
        lambda sizes: f"remove it, or set {sizes.heads}",
    )


def even_head_size(family: str) -> ShapeRule:
    """A rule for families whose rotary positions turn all numbers of a head, pair by pair."""
    return ShapeRule(
        "(has(self.headSize) ? self.headSize % 2 == 0 : !has(self.hiddenSize) || !has(self.heads)"
        " || self.hiddenSize % (2 * self.heads) == 0)",
        f"{family} needs an even hiddenSize / heads",
        lambda sizes: sizes.head_size % 2 == 0,
        _head_size,
    )


def _head_size(sizes: HeadSizes) -> str:
    if sizes.head_size != sizes.hidden_size // sizes.heads:
        return f"headSize is {sizes.head_size}"
    return f"{sizes.hidden_size} / {sizes.heads} is {sizes.head_size}"
