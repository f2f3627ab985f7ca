"""Writes a finished model as a Hugging Face folder, whole or not at all."""

import shutil
from collections.abc import Callable
from pathlib import Path

import torch
from transformers import PreTrainedModel

from llmtrain_trainer.durable import replaced_folder
from llmtrain_trainer.models.special_ids import adopt_special_ids
from llmtrain_trainer.models.tokenizer import load_tokenizer


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
