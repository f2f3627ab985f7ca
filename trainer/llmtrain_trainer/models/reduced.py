"""A tiny model that behaves like a large one: the same kinds of layers, windows and attention.

It is made from a config alone, so that what a family does can be seen in a second on one CPU.
"""

import re
from copy import deepcopy
from typing import Any

import torch
from transformers import AutoModelForCausalLM, PretrainedConfig, PreTrainedModel

from llmtrain_trainer.models.config import attention_implementation

VOCABULARY_SIZE = 64
FIRST_PLAIN_TOKEN = 5
"""Special tokens of a reduced model are below."""
WINDOW = 4
_HEAD = 8
_LARGEST = 50_000_000
"""Parameters of the largest model that is made."""
_FAR_APART = 0.3
"""Standard deviation of the weights: large enough that all that is attended to is seen."""

_Sizes = tuple[tuple[str, int], ...]
_EVERY: _Sizes = (
    (r"^vocab_size|^max_position_embeddings$", VOCABULARY_SIZE),
    (r"window|chunk_size", WINDOW),
    (r"experts?_per_tok|top_?k|num_selected_experts|^moe_k$", 2),
    (r"num.*experts$|n_routed_experts", 4),
    (r"^n_group$|^topk_group$", 1),
)
"""Names of fields, and the most that they may hold."""
_WIDTHS: _Sizes = (
    (r"^hidden_size$", 32),
    (r"^num_attention_heads$", 4),
    (r"^num_key_value_heads$", 2),
    (r"head_dim|rotary_dim|head_size|_rank$|mamba_(n|num)_heads|mamba_d_head", _HEAD),
    (r"intermediate_size|ffn|ffw|d_ff|n_inner|inner_dim|shared_expert", 64),
)


def reduced_model(config: PretrainedConfig) -> PreTrainedModel | None:
    """A tiny model of a config's kind with random weights, in evaluation mode.

    Returns:
        None where the family's shape does not follow the usual names.
    """
    for sizes in (_EVERY + _WIDTHS, _EVERY):
        try:
            return _build(_reduced(config, sizes))
        except Exception:  # noqa: BLE001, S112 - a family may check its shape in any way
            continue
    return None


def _build(config: PretrainedConfig) -> PreTrainedModel:
    """Build the model, and run it once.

    Raises:
        Exception: the shape is not possible, or too large.
    """
    options: dict[str, Any] = {
        "attn_implementation": attention_implementation(config),
        "dtype": torch.float32,
        "trust_remote_code": False,
    }
    with torch.device("meta"):
        size = AutoModelForCausalLM.from_config(config, **options).num_parameters()
    if size > _LARGEST:
        raise ValueError(f"{size} parameters")
    model: PreTrainedModel = AutoModelForCausalLM.from_config(config, **options).eval()
    for parameter in model.parameters():
        if parameter.dim() > 1:
            torch.nn.init.normal_(parameter, std=_FAR_APART)
    tokens = torch.full((1, 2 * WINDOW), FIRST_PLAIN_TOKEN)
    with torch.no_grad():
        model(input_ids=tokens, labels=tokens, use_cache=False)
    return model


def _reduced(config: PretrainedConfig, sizes: _Sizes) -> PretrainedConfig:
    small = deepcopy(config)
    if getattr(small, "output_router_logits", False):
        small.output_router_logits = False  # its loss would have a term that is not of a token
    for name, value in {**_fewer_layers(small), **_smaller(small, sizes)}.items():
        setattr(small, name, value)
    return small


def _fewer_layers(config: PretrainedConfig) -> dict[str, Any]:
    """The first layers, as many as show each kind; fields that list the layers follow."""
    layers: int = config.num_hidden_layers
    lists = {
        name: value
        for name, value in vars(config).items()
        if isinstance(value, list | tuple) and len(value) == layers
    }
    kinds = ([repr(kind) for kind in value] for value in lists.values())
    firsts = [value.index(kind) + 1 for value in kinds for kind in set(value)]
    keep = min(layers, max([2, *firsts]))
    return {name: each[:keep] for name, each in lists.items()} | {"num_hidden_layers": keep}


def _smaller(config: PretrainedConfig, sizes: _Sizes) -> dict[str, Any]:
    """Fields that are larger than they need be, and special tokens beyond the vocabulary."""
    general = {own: name for name, own in config.attribute_map.items()}
    changes: dict[str, Any] = {}
    for name, value in vars(config).items():
        if name.startswith("_") or isinstance(value, bool):
            continue
        if name.endswith("token_id"):
            changes[name] = _special(value)
        elif name in {"rope_parameters", "rope_scaling"} and sizes != _EVERY:
            changes[name] = _narrow(value)
        elif isinstance(value, int):
            known = general.get(name, name)
            limit = next((size for pattern, size in sizes if re.search(pattern, known)), value)
            if value > limit:
                changes[name] = limit
    shared = getattr(config, "num_key_value_heads", None)
    if shared == getattr(config, "num_attention_heads", None) and "num_key_value_heads" in changes:
        changes["num_key_value_heads"] = changes["num_attention_heads"]
    return changes


def _special(token: object) -> object:
    """A special token's number within the reduced vocabulary."""
    if isinstance(token, list):
        return [min(each, FIRST_PLAIN_TOKEN - 1) for each in token]
    return min(token, FIRST_PLAIN_TOKEN - 1) if isinstance(token, int) else token


def _narrow(rotation: object) -> object:
    """Rotary positions whose lists have an entry for each pair of the reduced heads' numbers."""
    if isinstance(rotation, dict):
        return {key: _narrow(value) for key, value in rotation.items()}
    return rotation[: _HEAD // 2] if isinstance(rotation, list) else rotation
