"""The loss of a batch, as a sum: the mean is taken over all labels of all workers at once."""

import torch
from torch import Tensor
from torch.nn import functional

from llmtrain_trainer.training.samples import IGNORED


def loss_sum(logits: Tensor, labels: Tensor, *, label_smoothing: float = 0.0) -> Tensor:
    """Summed negative log-likelihood in nats, computed in fp32.

    Args:
        logits: (B, T, V).
        labels: (B, T), already shifted; `IGNORED` where a position does not count.
        label_smoothing: probability mass spread over the vocabulary.

    Returns:
        A scalar; 0 where no label counts.
    """
    return functional.cross_entropy(
        logits.float().flatten(0, 1),
        labels.flatten(),
        ignore_index=IGNORED,
        reduction="sum",
        label_smoothing=label_smoothing,
    )


def model_inputs(input_ids: Tensor, segments: Tensor | None) -> dict[str, Tensor | bool]:
    """What a decoder's forward takes.

    With segments (several documents in a sequence) no position attends to another document, and
    positions restart with each: the mask is given in full, since a library that must guess it
    from the positions can guess wrong without a word.

    Args:
        input_ids: (B, T).
        segments: (B, T), a document's number in its sequence; -1 for padding. Or None.
    """
    if segments is None:
        return {"input_ids": input_ids, "use_cache": False}
    length = input_ids.shape[1]
    steps = torch.arange(length, device=input_ids.device)
    starts = torch.ones_like(segments, dtype=torch.bool)
    starts[:, 1:] = segments[:, 1:] != segments[:, :-1]
    first = torch.where(starts, steps, 0).cummax(dim=1).values  # (B, T): where the document began
    same = segments[:, :, None] == segments[:, None, :]  # (B, T, T)
    causal = steps[:, None] >= steps[None, :]
    return {
        "input_ids": input_ids,
        "position_ids": steps - first,
        "attention_mask": (same & causal)[:, None],  # (B, 1, T, T), True: attends
        "use_cache": False,
    }
