"""The `transformers` config of a model: from a shape and back, attention, context and dropout.

What a family has to say is in its file, `llmtrain_api.families`. A pretrained model may be of any
other family that `transformers` knows; then the config itself is looked at.
"""

import re

from huggingface_hub.errors import StrictDataclassError
from transformers import AutoConfig, PretrainedConfig
from transformers.models.auto.modeling_auto import MODEL_FOR_CAUSAL_LM_MAPPING

from llmtrain_api.families import find_family
from llmtrain_api.families.base import Architecture
from llmtrain_trainer.errors import UserError

_WITHOUT_LIMIT = 2048
"""Context of families whose attention has no longest distance (ALiBi): enough, and it fits in
memory."""
_DROPOUT_NAMES = re.compile(r"dropout|pdrop")
_OTHER_DROPOUTS = re.compile(r"classifier|summary|layerdrop|token_dropout")
"""Heads that do not predict tokens, and whole layers or tokens that are left out."""


def model_config(
    shape: Architecture, *, dropout: float, balance_weight: float | None = None
) -> PretrainedConfig:
    """The config of a new model.

    Args:
        shape: sizes, all filled in.
        dropout: probability, for the dropouts that the family has.
        balance_weight: weight of the term that balances experts; None for the family's own.
    """
    config: PretrainedConfig = AutoConfig.for_model(
        **shape.family.to_config(shape, dropout=dropout)
    )
    if balance_weight is not None:
        set_balance_weight(config, balance_weight)
    return config


def set_balance_weight(config: PretrainedConfig, weight: float) -> None:
    """Set the weight of the term that balances the experts of a model.

    Args:
        config: config of a family with experts; it is changed.
        weight: weight in the loss.
    """
    family = find_family(config.model_type)
    assert family is not None, "whoever asks for a weight knows the family"
    assert family.keys.balance_weight is not None, "likewise"
    setattr(config, family.keys.balance_weight, weight)


def shape_of(config: PretrainedConfig) -> Architecture | None:
    """The shape of a pretrained model; None where its family has no file here.

    Raises:
        ShapeError: the family cannot have this shape.
    """
    family = find_family(config.model_type)
    return family.from_config(config.to_dict()) if family else None


def attention_implementation(config: PretrainedConfig) -> str:
    """PyTorch's fused attention where the family supports it, else its own.

    It is always passed to the library: a config.json could name an implementation that would be
    fetched from the hub, which is code.
    """
    if family := find_family(config.model_type):
        return family.attention_implementation
    model_class = MODEL_FOR_CAUSAL_LM_MAPPING.get(type(config), None)
    # The library says this in no other way than by a private attribute of each class.
    return "sdpa" if getattr(model_class, "_supports_sdpa", False) else "eager"


def context_limit(config: PretrainedConfig) -> int | None:
    """Longest sequence in tokens; None where the family sets no limit."""
    limit: int | None = getattr(config, "max_position_embeddings", None)
    return limit


def context_length(config: PretrainedConfig) -> int:
    """Longest sequence to give to a model, in tokens."""
    return context_limit(config) or _WITHOUT_LIMIT


def set_dropout(config: PretrainedConfig, probability: float) -> None:
    """Set all dropouts of a model's config, in its parts too.

    Args:
        config: it is changed.
        probability: probability of each dropout.

    Raises:
        ValueError: the model has no dropout that could be set so.
    """
    places = _dropout_places(config)
    if probability and not places:
        raise ValueError(f"a model of the family {config.model_type} has no dropout")
    for part, name in places:
        try:
            setattr(part, name, probability)
        except StrictDataclassError as error:
            raise ValueError(
                f"transformers takes no {probability} for {name} of the family {config.model_type}"
            ) from error


def _dropout_places(config: PretrainedConfig) -> list[tuple[PretrainedConfig, str]]:
    """The fields that hold a dropout, and the part of the config that each is in."""
    if family := find_family(config.model_type):
        return [(config, name) for name in family.dropouts]
    found: list[tuple[PretrainedConfig, str]] = []
    for name, value in vars(config).items():
        if isinstance(value, PretrainedConfig):
            found += _dropout_places(value)
        elif _is_dropout(name, value):
            found.append((config, name))
    return found


def _is_dropout(name: str, value: object) -> bool:
    number = isinstance(value, int | float) and not isinstance(value, bool)
    return number and bool(_DROPOUT_NAMES.search(name)) and not _OTHER_DROPOUTS.search(name)


def require_vocabulary(model: PretrainedConfig, num_tokens: int, *, where: str) -> None:
    """Make sure that the model knows every token.

    Args:
        model: its config.
        num_tokens: number of tokens of the tokenizer.
        where: the field or folder that names the model.

    Raises:
        UserError: the tokenizer has more.
    """
    if num_tokens > model.vocab_size:
        raise UserError(
            f"{where}: the tokenizer has {num_tokens} tokens, the model only {model.vocab_size} "
            "(vocab_size in its config.json); use the tokenizer that the model was trained with, "
            "which the field tokenizer.pretrained can name"
        )


def require_context(model: PretrainedConfig, sequence_length: int, *, field: str) -> None:
    """Make sure that a sequence is no longer than the model can look at.

    Args:
        model: its config.
        sequence_length: in tokens.
        field: field of the sequence length, for the error.

    Raises:
        UserError: it is longer.
    """
    limit = context_limit(model)
    if limit is not None and sequence_length > limit:
        raise UserError(
            f"{field}: {sequence_length} is longer than the model's context of {limit} tokens; "
            f"set it to {limit} or less"
        )
