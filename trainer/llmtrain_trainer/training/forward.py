"""One forward pass: a batch on the device, the arguments of the model, the sum of the loss."""

from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional
from transformers import PreTrainedModel
from transformers.masking_utils import create_masks_for_generate

from llmtrain_trainer.training.output_loss import OutputLoss
from llmtrain_trainer.training.samples import IGNORED, Batch


@dataclass(frozen=True)
class BatchTensors:
    """A batch on a device; all of shape (B, T)."""

    input_ids: Tensor
    labels: Tensor
    segments: Tensor | None

    def to(self, device: torch.device) -> "BatchTensors":
        """The batch on a device. From page-locked memory the copy runs beside the host's work."""
        return BatchTensors(
            self.input_ids.to(device, non_blocking=True),
            self.labels.to(device, non_blocking=True),
            None if self.segments is None else self.segments.to(device, non_blocking=True),
        )


def host_tensors(batch: Batch) -> BatchTensors:
    """A batch in the host's memory; page-locked where it will be copied to a GPU."""
    return BatchTensors(
        _host_tensor(batch.input_ids),
        _host_tensor(batch.labels),
        None if batch.segments is None else _host_tensor(batch.segments),
    )


def _host_tensor(values: NDArray[np.int64]) -> Tensor:
    tensor = torch.from_numpy(values)
    return tensor.pin_memory() if torch.cuda.is_available() else tensor


ModelInputs = dict[str, Tensor | dict[str, Tensor] | bool | None]


def model_inputs(model: PreTrainedModel, input_ids: Tensor, segments: Tensor | None) -> ModelInputs:
    """The arguments of a decoder's forward.

    With segments (several documents in a sequence) no position attends to another document, and
    positions restart with each. The masks are made by `transformers`, one for each kind of layer,
    so windows and chunks are those of the model. They are passed in full: some families do not
    find the documents' borders from the positions alone.

    Args:
        model: the decoder that will read them.
        input_ids: (B, T).
        segments: (B, T), a document's number in its sequence; -1 for padding, which stands at the
            end. None where no sequence holds more than one document: padding at the end of a
            causal model's sequence changes nothing before it.
    """
    if segments is None:
        return {"input_ids": input_ids, "use_cache": False}
    position_ids = _restarting_positions(segments)
    masks = create_masks_for_generate(
        model.config,
        # Only its shape, device and type are looked at.
        torch.empty((*input_ids.shape, 0), dtype=model.dtype, device=input_ids.device),
        attention_mask=None,
        past_key_values=None,
        position_ids=position_ids,
    )
    return {
        "input_ids": input_ids,
        "position_ids": position_ids,
        "attention_mask": masks,
        "use_cache": False,
    }


def _restarting_positions(segments: Tensor) -> Tensor:
    """Positions counted from the start of each document; padding continues the last one."""
    steps = torch.arange(segments.shape[1], device=segments.device)
    starts = torch.zeros_like(segments, dtype=torch.bool)
    starts[:, 1:] = (segments[:, 1:] != segments[:, :-1]) & (segments[:, 1:] >= 0)
    first = torch.where(starts, steps, 0).cummax(dim=1).values
    return steps - first


def batch_loss(
    model: nn.Module, decoder: PreTrainedModel, batch: BatchTensors, *, label_smoothing: float = 0.0
) -> Tensor:
    """Summed negative log-likelihood of a batch in nats, computed in fp32.

    Args:
        model: what is called: the decoder itself, or an engine around it.
        decoder: with an `OutputLoss`, or with an ordinary output layer.
        batch: its tokens and labels.
        label_smoothing: probability mass spread over the vocabulary.
    """
    inputs = model_inputs(decoder, batch.input_ids, batch.segments)
    output = decoder.get_output_embeddings()
    if isinstance(output, OutputLoss):
        with output.labelled(batch.labels, label_smoothing):
            loss: Tensor = model(**inputs).logits
            return loss
    # Not held by name: backward frees the logits as soon as it has used them.
    return loss_sum(model(**inputs).logits, batch.labels, label_smoothing=label_smoothing)


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
