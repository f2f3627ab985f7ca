"""Whether a pretrained model can be trained as `transformers` itself would train it.

The loss of this trainer must be the one that `transformers` itself computes for each document
alone: with padding after it, and with other documents in its sequence.
"""

from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor
from transformers import PretrainedConfig, PreTrainedModel
from transformers.models.auto.modeling_auto import MODEL_FOR_CAUSAL_LM_MAPPING

from llmtrain_api.families import DEFAULT_FAMILY, find_family
from llmtrain_trainer.errors import UserError, in_one_line
from llmtrain_trainer.models.reduced import (
    FIRST_PLAIN_TOKEN,
    VOCABULARY_SIZE,
    WINDOW,
    reduced_model,
)
from llmtrain_trainer.training.attention import use_own_attention
from llmtrain_trainer.training.documents import Documents
from llmtrain_trainer.training.forward import loss_sum, model_inputs
from llmtrain_trainer.training.samples import IGNORED

_LENGTHS = (2 * WINDOW + 1, 3 * WINDOW + 1)
_PADDING = 3
_TOLERANCE = 2e-5
"""Relative difference of two losses that still counts as equal; a wrong mask makes one a hundred
times as large."""


@dataclass(frozen=True)
class Behaviour:
    """The observed behaviour; each field is the reason against the model, or None."""

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
        use_own_attention(model)
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
    shared = Documents.of(segments.numpy()) if len(documents) > 1 else None
    inputs = model_inputs(model, input_ids, shared)
    logits = model(**inputs).logits
    own = [labels.where(segments == number, IGNORED) for number in range(len(documents))]
    return [float(loss_sum(logits, each) / (each != IGNORED).sum()) for each in own]


def require_trainable(folder: Path, config: PretrainedConfig, *, packing: bool) -> None:
    """Make sure, before anything is trained, that the model will learn from its own loss.

    Args:
        folder: folder of the model.
        config: its config.
        packing: whether several conversations will share a sequence.

    Raises:
        UserError: the loss would not be the one that `transformers` computes.
    """
    reason = _unsuitable(config)
    if reason is not None:
        raise _refused(folder, config, reason)
    seen = observe(config)
    if seen.unpadded_only is not None:
        raise _refused(
            folder,
            config,
            "it does not predict each token from those before it alone, or its own loss is not "
            f"that of the next token (in a tiny model of its kind {seen.unpadded_only}); "
            f"give a decoder, such as a model of the family {DEFAULT_FAMILY}",
        )
    if packing and seen.unpacked_only is not None:
        raise _refused(
            folder,
            config,
            "several conversations cannot share a sequence, since "
            f"{seen.unpacked_only}; set finetune.packing: false",
        )


def _unsuitable(config: PretrainedConfig) -> str | None:
    """Reason against the model in its config alone."""
    if type(config) not in MODEL_FOR_CAUSAL_LM_MAPPING:
        return "transformers has no causal language model of this family; give a decoder"
    if config.get_text_config(decoder=True) is not config:
        return (
            "it reads more than text (config.json holds the config of its text model inside); "
            "save its text model alone, and give that"
        )
    if getattr(config, "quantization_config", None) is not None:
        return (
            "its weights are quantized (quantization_config in config.json), and training needs "
            "them whole; give the model as it was before"
        )
    family = find_family(config.model_type)
    is_balanced = family is not None and family.new_experts is not None
    if getattr(config, "output_router_logits", False) and not is_balanced:
        return (
            "config.json sets output_router_logits, which adds a term that balances the experts "
            "to the loss, and for this family llmtrain trains without it; set "
            "output_router_logits: false there"
        )
    return None


def _refused(folder: Path, config: PretrainedConfig, reason: str) -> UserError:
    return UserError(
        f"{folder}: a model of the family {config.model_type} cannot be trained: {reason}",
        reason="UnsuitableModel",
    )
