"""The names that a family's config.json has for the parts of a shape, and how they are read."""

from collections.abc import Mapping
from dataclasses import dataclass

Config = Mapping[str, object]
"""The content of a config.json."""


class ShapeError(ValueError):
    """A config.json does not describe a shape that the family can have.

    The message names the key, what is wrong, and what would be right.
    """


@dataclass(frozen=True)
class ConfigKeys:
    """Names in a family's config.json; None where the family has no such key."""

    layers: str
    hidden_size: str
    heads: str
    vocabulary_size: str
    feed_forward_width: str | None = None
    context_length: str | None = None
    key_value_heads: str | None = None
    head_size: str | None = None
    rotary_share: str | None = None
    attention_bias: str | None = None
    feed_forward_bias: str | None = None
    experts: str | None = None
    experts_per_token: str | None = None
    balance_weight: str | None = None
    """Weight of the term of the loss that keeps experts evenly used."""
    window: str | None = None
    tie_embeddings: str = "tie_word_embeddings"


def optional_size(config: Config, key: str | None) -> int | None:
    """A positive number, or None where the config does not have it.

    Raises:
        ShapeError: the value is something else.
    """
    value = None if key is None else config.get(key)
    if value is not None and not (isinstance(value, int) and value > 0):
        raise ShapeError(f"{key} must be a positive number; found {value!r}")
    return value


def required_size(config: Config, key: str) -> int:
    """A positive number.

    Raises:
        ShapeError: it is missing, or something else.
    """
    size = optional_size(config, key)
    if size is None:
        raise ShapeError(f"{key} is missing; it must be set")
    return size


def flag(config: Config, key: str | None, *, default: bool) -> bool:
    """A switch; the default where the config does not have it."""
    value = None if key is None else config.get(key)
    return default if value is None else bool(value)


def rotary_share(config: Config, key: str | None, *, default: float) -> float:
    """The share of a head that rotary positions turn.

    Newer files of `transformers` have it in `rope_parameters`, older ones under the family's key.

    Raises:
        ShapeError: the value is not a share.
    """
    if key is None:
        return default
    rotation = config.get("rope_parameters")
    newer = rotation.get("partial_rotary_factor") if isinstance(rotation, Mapping) else None
    value = config.get(key, default) if newer is None else newer
    if not (isinstance(value, int | float) and 0 < value <= 1):
        raise ShapeError(f"{key} must be above 0 and at most 1; found {value!r}")
    return float(value)
