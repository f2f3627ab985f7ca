"""The dropouts of a pretrained model: each family names its own."""

import re

from huggingface_hub.errors import StrictDataclassError
from transformers import PretrainedConfig

_NAMES = re.compile(r"dropout|pdrop")
_OTHERS = re.compile(r"classifier|summary|layerdrop|token_dropout")
"""Heads that do not predict tokens, and whole layers or tokens that are left out."""


def set_dropout(config: PretrainedConfig, probability: float) -> None:
    """Set all dropouts of a model's config, in its parts too.

    Args:
        config: it is changed.
        probability: of each.

    Raises:
        ValueError: the model has no dropout that could be set so.
    """
    places = _places(config)
    if probability and not places:
        raise ValueError(f"a model of the family {config.model_type} has no dropout")
    for part, name in places:
        try:
            setattr(part, name, probability)
        except StrictDataclassError as error:
            raise ValueError(
                f"transformers takes no {probability} for {name} of the family {config.model_type}"
            ) from error


def _places(config: PretrainedConfig) -> list[tuple[PretrainedConfig, str]]:
    """The fields that hold a dropout, and the part of the config that each is in."""
    found: list[tuple[PretrainedConfig, str]] = []
    for name, value in vars(config).items():
        if isinstance(value, PretrainedConfig):
            found += _places(value)
        elif _is_dropout(name, value):
            found.append((config, name))
    return found


def _is_dropout(name: str, value: object) -> bool:
    number = isinstance(value, int | float) and not isinstance(value, bool)
    return number and bool(_NAMES.search(name)) and not _OTHERS.search(name)
