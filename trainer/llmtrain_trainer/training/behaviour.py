"""Whether a family of models can be trained as it is here, seen on a tiny model of its kind.

The loss of this trainer must be the one that `transformers` itself computes for each document
alone: with padding after it, and with other documents in its sequence.
"""

from dataclasses import dataclass

import torch
from torch import Tensor
from transformers import PretrainedConfig, PreTrainedModel

from llmtrain_trainer.errors import in_one_line
from llmtrain_trainer.models.reduced import (
    FIRST_PLAIN_TOKEN,
    VOCABULARY_SIZE,
    WINDOW,
    reduced_model,
)
from llmtrain_trainer.training.inputs import model_inputs
from llmtrain_trainer.training.loss import loss_sum
from llmtrain_trainer.training.samples import IGNORED

_LENGTHS = (2 * WINDOW + 1, 3 * WINDOW + 1)
_PADDING = 3
_TOLERANCE = 2e-5
"""Relative difference of two losses that still counts as equal; a wrong mask makes one a hundred
times as large."""


@dataclass(frozen=True)
class Behaviour:
    """What was seen; each is the reason why not, or None."""

    unpadded_only: str | None
    """Why a document's loss changes with what comes after it."""
    unpacked_only: str | None
    """Why documents cannot share a sequence."""


def observe(config: PretrainedConfig) -> Behaviour:
    """Look at a tiny model of this kind. The random numbers of the process stay as they are."""
    with torch.random.fork_rng(devices=[]), torch.no_grad():
        torch.manual_seed(0)
        model = reduced_model(config)
        if model is None:
            return Behaviour(None, "no tiny model of its kind can be made to check that")
        size = min(VOCABULARY_SIZE, model.config.vocab_size)
        documents = [torch.randint(FIRST_PLAIN_TOKEN, size, (1, length)) for length in _LENGTHS]
        wanted = [
            float(model(input_ids=each, labels=each, use_cache=False).loss) for each in documents
        ]
        return Behaviour(
            unpadded_only=_why_not(model, [[each] for each in documents], wanted),
            unpacked_only=_why_not(model, [documents], wanted),
        )


def _why_not(
    model: PreTrainedModel, sequences: list[list[Tensor]], wanted: list[float]
) -> str | None:
    """Why documents that are read in these sequences do not have the losses that they should."""
    try:
        found = [loss for sequence in sequences for loss in _losses(model, sequence)]
    except Exception as error:  # noqa: BLE001 - a family may refuse its inputs in any way
        return f"it fails on them ({in_one_line(error)})"
    for a, b in zip(found, wanted, strict=True):
        if not abs(a - b) <= _TOLERANCE * max(1.0, abs(b)):  # also where one is not a number
            return f"a document's loss is {a:.4f} instead of {b:.4f}"
    return None


def _losses(model: PreTrainedModel, documents: list[Tensor]) -> list[float]:
    """The mean loss of each document of a sequence, computed as in training."""
    padding = torch.zeros(1, _PADDING, dtype=torch.long)
    input_ids = torch.cat([*documents, padding], dim=1)
    segments = torch.full_like(input_ids, -1)
    labels = torch.full_like(input_ids, IGNORED)
    start = 0
    for number, document in enumerate(documents):
        end = start + document.shape[1]
        segments[:, start:end] = number
        labels[:, start : end - 1] = document[:, 1:]
        start = end
    inputs = model_inputs(model, input_ids, segments if len(documents) > 1 else None)
    logits = model(**inputs).logits
    own = [labels.where(segments == number, IGNORED) for number in range(len(documents))]
    return [float(loss_sum(logits, each) / (each != IGNORED).sum()) for each in own]
