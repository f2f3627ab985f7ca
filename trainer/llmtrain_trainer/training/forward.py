"""One forward pass: a batch on the device, the arguments of the model, the sum of the loss."""

from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional
from transformers import PreTrainedModel
from transformers.masking_utils import create_masks_for_generate

from llmtrain_trainer.training.attention import uses_own_attention
from llmtrain_trainer.training.documents import Documents
from llmtrain_trainer.training.output_loss import OutputLoss
from llmtrain_trainer.training.samples import IGNORED, Batch


@dataclass(frozen=True)
class BatchTensors:
    """A batch on a device."""

    input_ids: Tensor
    """(B, T)."""
    labels: Tensor
    """(B, T)."""
    documents: Documents | None
    """None where no sequence holds more than one: padding at the end of a causal model's sequence
    changes nothing before it."""

    def to(self, device: torch.device) -> "BatchTensors":
        """The batch on a device. From page-locked memory the copy runs beside the host's work."""
        return BatchTensors(
            self.input_ids.to(device, non_blocking=True),
            self.labels.to(device, non_blocking=True),
            None if self.documents is None else self.documents.to(device),
        )


def host_tensors(batch: Batch) -> BatchTensors:
    """A batch in the host's memory; page-locked where it will be copied to a GPU."""
    documents = None if batch.segments is None else Documents.of(batch.segments)
    if documents is not None and torch.cuda.is_available():
        documents = documents.pinned()
    return BatchTensors(_host_tensor(batch.input_ids), _host_tensor(batch.labels), documents)


def _host_tensor(values: NDArray[np.int64]) -> Tensor:
    tensor = torch.from_numpy(values)
    return tensor.pin_memory() if torch.cuda.is_available() else tensor


ModelInputs = dict[str, Tensor | dict[str, Tensor] | Documents | bool | None]


def model_inputs(
    model: PreTrainedModel, input_ids: Tensor, documents: Documents | None
) -> ModelInputs:
    """The arguments of a decoder's forward.

    With several documents in a sequence, no position attends to another document, and positions
    restart with each. A model without own attention is given masks made by `transformers`, one
    for each kind of layer, so windows and chunks are those of the model. They are passed in full:
    some families do not find the documents' borders from the positions alone.

    Args:
        model: the decoder that will read them.
        input_ids: (B, T).
        documents: borders in these sequences; None where none holds more than one document.
    """
    inputs: ModelInputs = {"input_ids": input_ids, "use_cache": False}
    if getattr(model.config, "output_router_logits", False):
        inputs["output_router_logits"] = False  # `ExpertBalance` takes them
    if documents is None:
        return inputs
    inputs["position_ids"] = documents.position_ids
    if uses_own_attention(model):
        return inputs | {"documents": documents}
    masks = create_masks_for_generate(
        model.config,
        # Only its shape, device and type are looked at.
        torch.empty((*input_ids.shape, 0), dtype=model.dtype, device=input_ids.device),
        attention_mask=None,
        past_key_values=None,
        position_ids=documents.position_ids,
    )
    return inputs | {"attention_mask": masks}


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
    inputs = model_inputs(decoder, batch.input_ids, batch.documents)
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
