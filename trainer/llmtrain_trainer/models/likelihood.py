"""A model's predictions of each next token: how likely the right one is, and how sure the model."""

import torch
from torch.nn import functional
from transformers import PreTrainedModel


@torch.inference_mode()
def label_nats(model: PreTrainedModel, inputs: torch.Tensor, labels: torch.Tensor) -> torch.Tensor:
    """The negative log-likelihoods of labels in nats, fp64 on the CPU.

    Args:
        model: in evaluation mode.
        inputs: tokens, shape (B, T).
        labels: the token after each, shape (B, T).

    Returns:
        Shape (B * T,).
    """
    logits = _logits(model, inputs)
    nats = functional.cross_entropy(logits, labels.to(model.device).flatten(), reduction="none")
    return nats.double().cpu()


@torch.inference_mode()
def prediction_entropies(model: PreTrainedModel, inputs: torch.Tensor) -> torch.Tensor:
    """The entropies of the predictions of the next tokens in nats, fp64 on the CPU.

    Args:
        model: in evaluation mode.
        inputs: tokens, shape (B, T).

    Returns:
        Shape (B * T,).
    """
    logs = functional.log_softmax(_logits(model, inputs), dim=-1)
    return -(logs.exp() * logs).sum(dim=-1).double().cpu()


def _logits(model: PreTrainedModel, inputs: torch.Tensor) -> torch.Tensor:
    """Logits in fp32, shape (B * T, vocabulary)."""
    logits: torch.Tensor = model(input_ids=inputs.to(model.device), use_cache=False).logits
    return logits.float().flatten(0, 1)
