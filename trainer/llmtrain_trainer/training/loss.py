"""The loss of a batch, as a sum: the mean is taken over all labels of all workers at once."""

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
