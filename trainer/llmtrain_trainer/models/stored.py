"""Models in a folder: whether one is there, its config, loading and saving it."""

import json
import re
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open
from transformers import AutoConfig, AutoModelForCausalLM, PretrainedConfig, PreTrainedModel

from llmtrain_trainer.errors import UserError, in_one_line
from llmtrain_trainer.files import replaced_folder
from llmtrain_trainer.models.config import (
    attention_implementation,
    set_balance_weight,
    set_dropout,
)
from llmtrain_trainer.models.tokenizer import adopt_special_ids, load_tokenizer

_FEW = 3
_INDEX = "model.safetensors.index.json"
_ADAPTER = "adapter_config.json"
_FAULTS_OF_CONFIGS = (
    ArithmeticError,
    AssertionError,
    AttributeError,
    FileNotFoundError,
    LookupError,
    TypeError,
    ValueError,
)
"""Errors of the library over unchecked values of a config.json; a lack of memory or disk is not
among them."""
_NUMBER = re.compile(r"\d+")


def require_model(folder: Path) -> None:
    """Make sure that a folder holds a model that can be loaded safely.

    Raises:
        UserError: it has no config, no weights as safetensors, a file of weights is cut off, or
            its index names other files. Links to files elsewhere are followed, as the hub's own
            cache needs them: nothing but safetensors is read through them.
    """
    if not (folder / "config.json").is_file():
        raise UserError(
            f"{folder}: no model there (config.json is missing); "
            "give a Hugging Face folder with config.json and *.safetensors"
        )
    weights = sorted(folder.glob("*.safetensors"))
    if not weights:
        raise UserError(
            f"{folder}: no *.safetensors; pickled weights are never loaded, "
            "since they can run code. Convert them with `save_pretrained` first"
        )
    if (folder / _ADAPTER).exists():
        raise UserError(
            f"{folder}: it holds adapters ({_ADAPTER}), which belong to another model; merge them "
            "into that with peft's `merge_and_unload`, and save the result",
            reason="InvalidModel",
        )
    _require_safe_index(folder / _INDEX)
    for path in weights:
        try:
            with safe_open(path, framework="numpy"):
                pass  # the header says how long the file is
        except SafetensorError as error:
            raise _damaged(path, in_one_line(error)) from error


def _require_safe_index(path: Path) -> None:
    """Make sure that an index of weights names safetensors beside it, and nothing else."""
    if not path.exists():
        return
    try:
        files = set(json.loads(path.read_bytes())["weight_map"].values())
    except (OSError, ValueError, LookupError, AttributeError, TypeError) as error:
        raise _damaged(path, f"it is no index of weights: {in_one_line(error)}") from error
    for name in sorted(map(str, files)):
        if name != Path(name).name or not name.endswith(".safetensors"):
            raise _damaged(
                path, f"it names {name!r}, and only *.safetensors in the same folder are read"
            )


def stored_config(folder: Path) -> PretrainedConfig:
    """The config of the model in a folder.

    Raises:
        UserError: there is no model, or its config.json cannot be read.
    """
    require_model(folder)
    try:
        return AutoConfig.from_pretrained(folder, trust_remote_code=False)
    except Exception as error:  # whatever a stranger's file makes of the library
        raise _damaged(folder / "config.json", in_one_line(error)) from error


def load_model(
    folder: Path, *, dropout: float | None = None, balance_weight: float | None = None
) -> PreTrainedModel:
    """A pretrained model in fp32, from safetensors only.

    Args:
        folder: folder of the model.
        dropout: for training; None leaves the model's own.
        balance_weight: weight of the term that balances the model's experts, likewise.

    Raises:
        UserError: the folder holds no such model, or not all of it, or one without dropout.
    """
    config = stored_config(folder)
    if dropout is not None:
        try:
            set_dropout(config, dropout)
        except ValueError as error:
            raise UserError(f"model.dropout: {error}; remove the field") from error
    if balance_weight is not None:
        set_balance_weight(config, balance_weight)
    try:
        model, found = AutoModelForCausalLM.from_pretrained(
            folder,
            config=config,
            dtype=torch.float32,
            attn_implementation=attention_implementation(config),
            trust_remote_code=False,
            use_safetensors=True,
            output_loading_info=True,
            ignore_mismatched_sizes=True,  # they are reported below
        )
    except _FAULTS_OF_CONFIGS as error:
        raise _damaged(folder, in_one_line(error)) from error
    _require_all_weights(folder, found)
    _require_all_layers(folder, found, model)
    loaded: PreTrainedModel = model
    return loaded


def _require_all_weights(folder: Path, found: dict[str, Any]) -> None:
    """The library would make the missing ones up, with a warning."""
    missing = sorted(found["missing_keys"])
    if missing:
        raise _damaged(folder, f"the weights lack {_some(missing)}")
    wrong = sorted(
        f"{name} is {tuple(stored)} instead of {tuple(wanted)}"
        for name, stored, wanted in found["mismatched_keys"]
    )
    if wrong:
        raise _damaged(folder, f"the weights do not suit config.json: {_some(wrong)}")


def _require_all_layers(folder: Path, found: dict[str, Any], model: PreTrainedModel) -> None:
    """The library would leave out layers that config.json does not count, with a warning."""
    kinds = {_NUMBER.sub("N", name) for name in model.state_dict()}
    more = sorted(name for name in found["unexpected_keys"] if _NUMBER.sub("N", name) in kinds)
    if more:
        raise _damaged(folder, f"there are more layers than config.json says: {_some(more)}")


def _some(names: list[str]) -> str:
    more = f" and {len(names) - _FEW} more" if len(names) > _FEW else ""
    return ", ".join(names[:_FEW]) + more


def _damaged(path: Path, why: str) -> UserError:
    return UserError(
        f"{path}: the model cannot be loaded: {why}; copy it here again, or give a folder with a "
        "model that transformers knows",
        reason="InvalidModel",
    )


def save_model(
    build: Callable[[], PreTrainedModel],
    weights: dict[str, object],
    *,
    tokenizer: Path,
    target: Path,
    finish: Callable[[PreTrainedModel], PreTrainedModel] = lambda model: model,
) -> None:
    """Save weights as a folder that plain `transformers` loads.

    Args:
        build: makes a model of the right shape, adapters included.
        weights: by parameter name; tied ones once.
        tokenizer: a Hugging Face tokenizer's folder, copied along.
        target: the folder; replaced at once.
        finish: makes of the trained model the one to save.
    """
    model = build()
    first = next(iter(weights.values()))
    assert isinstance(first, torch.Tensor)
    missing, unexpected = model.to(first.dtype).load_state_dict(weights, strict=False)
    untied = [name for name in missing if not name.endswith(tuple(model.all_tied_weights_keys))]
    assert not untied and not unexpected, (untied, unexpected)  # noqa: PT018 - one fact
    model.tie_weights()
    finished = finish(model)
    adopt_special_ids(finished, load_tokenizer(tokenizer))
    with replaced_folder(target) as folder:
        finished.save_pretrained(folder)
        for file in tokenizer.iterdir():
            shutil.copy2(file, folder / file.name)
