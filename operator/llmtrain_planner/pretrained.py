"""The shape of a pretrained model, from its config.json."""

from collections.abc import Mapping

from llmtrain_planner.errors import PlanError
from llmtrain_planner.families import FAMILIES
from llmtrain_planner.families.base import Architecture


def architecture_from_config(config: Mapping[str, object]) -> Architecture:
    """Read a Hugging Face config.

    Args:
        config: the content of config.json.

    Raises:
        PlanError: it is of a family or a shape that is not supported.
    """
    named = config.get("model_type")
    family = next((family for family in FAMILIES if family.value == named), None)
    if family is None:
        known = ", ".join(known.value for known in FAMILIES)
        raise PlanError(f"config.json: model_type is {named!r}; supported are {known}")
    keys = FAMILIES[family].config_keys
    sizes = {field: _size(config, keys[field]) for field in keys}
    hidden_size = _required(sizes, keys, "hidden_size")
    heads = _required(sizes, keys, "heads")
    if config.get("head_dim") not in (None, hidden_size // heads):
        raise PlanError(
            f"config.json: head_dim is {config['head_dim']!r}; supported is "
            f"hidden size / heads = {hidden_size // heads}"
        )
    tied = config.get("tie_word_embeddings", FAMILIES[family].tied_by_default)
    return Architecture(
        family=family,
        layers=_required(sizes, keys, "layers"),
        hidden_size=hidden_size,
        heads=heads,
        key_value_heads=sizes.get("key_value_heads") or heads,
        intermediate_size=sizes["intermediate_size"]
        or FAMILIES[family].default_intermediate_size(hidden_size),
        vocabulary_size=_required(sizes, keys, "vocabulary_size"),
        context_length=_required(sizes, keys, "context_length"),
        tie_embeddings=bool(tied),
    )


def _size(config: Mapping[str, object], key: str) -> int | None:
    value = config.get(key)
    if value is not None and not (isinstance(value, int) and value > 0):
        raise PlanError(f"config.json: {key} must be a positive number; found {value!r}")
    return value


def _required(sizes: Mapping[str, int | None], keys: Mapping[str, str], field: str) -> int:
    size = sizes[field]
    if size is None:
        raise PlanError(f"config.json: {keys[field]} is missing; it must be set")
    return size
