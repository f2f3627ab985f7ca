"""The output layer and the loss in one: the logits of a batch never exist all at once.

Tokens are taken in chunks. For each chunk the logits are computed, the loss is read off, and the
gradients of the hidden states and of the weights follow at once, so that the logits can go before
the next chunk's come (Hsu et al. 2024, Liger Kernel, section 3.2).

Matrix products of an odd vocabulary run on slow kernels for unaligned sizes. So the vocabulary is
padded for the products alone: no parameter, gradient or checkpoint has the padding.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from typing import Any

import torch
from torch import Tensor, nn
from torch.autograd.function import once_differentiable
from torch.nn import functional
from transformers import PreTrainedModel

from llmtrain_api.families import find_family
from llmtrain_planner.working_memory import logits_chunk_tokens, padded_vocabulary
from llmtrain_trainer.training.samples import IGNORED


class OutputLoss(nn.Module):
    """An output layer that returns the loss of the labels it was given, instead of logits.

    Without labels it returns the logits, as the layer that it takes the place of.

    Args:
        layer: the output layer; its parameters are shared.
        compiled: whether torch.compile makes one kernel of what lies between the products.
    """

    def __init__(self, layer: nn.Linear, *, compiled: bool = False) -> None:
        super().__init__()
        self._compiled = compiled
        self.weight, self.bias = layer.weight, layer.bias
        self._labels: Tensor | None = None
        self._label_smoothing = 0.0

    @contextmanager
    def labelled(self, labels: Tensor, label_smoothing: float) -> Iterator[None]:
        """Return the loss of these labels, (B, T), from the forward passes in this context."""
        self._labels, self._label_smoothing = labels, label_smoothing
        try:
            yield
        finally:
            self._labels = None

    def forward(self, hidden: Tensor) -> Tensor:
        """Map hidden states (B, T, H) to a summed loss in nats, or to logits (B, T, V)."""
        if self._labels is None:
            return functional.linear(hidden, self.weight, self.bias)
        return linear_cross_entropy(
            hidden.flatten(0, 1),
            self.weight,
            self.bias,
            self._labels.flatten(),
            label_smoothing=self._label_smoothing,
            compiled=self._compiled,
        )


def with_output_loss(model: PreTrainedModel, *, compiled: bool = False) -> None:
    """Put an `OutputLoss` in the place of the model's output layer.

    Only a family that is known to compute its logits by this layer alone gets one: others scale
    or cap them afterwards.

    Args:
        model: it is changed.
        compiled: see `OutputLoss`.
    """
    family = find_family(model.config.model_type)
    layer = model.get_output_embeddings()
    if family is not None and type(layer) is nn.Linear:
        model.set_output_embeddings(OutputLoss(layer, compiled=compiled))


def linear_cross_entropy(
    hidden: Tensor,
    weight: Tensor,
    bias: Tensor | None,
    labels: Tensor,
    *,
    label_smoothing: float = 0.0,
    chunk: int | None = None,
    compiled: bool = False,
) -> Tensor:
    """Summed cross entropy of `hidden @ weight.T + bias`, computed in fp32.

    Equal to `torch.nn.functional.cross_entropy` of those logits with `reduction="sum"`.

    Args:
        hidden: (N, H).
        weight: (V, H).
        bias: (V,), or None.
        labels: (N,); `IGNORED` where a token does not count.
        label_smoothing: probability mass spread over the vocabulary.
        chunk: tokens whose logits exist at a time; None for what the planner reckons with.
        compiled: see `OutputLoss`.

    Returns:
        A scalar; 0 where no label counts.
    """
    if torch.is_autocast_enabled(hidden.device.type):
        dtype = torch.get_autocast_dtype(hidden.device.type)
        hidden, weight = hidden.to(dtype), weight.to(dtype)
    chunk = chunk or logits_chunk_tokens(weight.shape[0])
    with torch.autocast(hidden.device.type, enabled=False):
        loss: Tensor = _LinearCrossEntropy.apply(  # type: ignore[no-untyped-call]
            hidden, weight, bias, labels, _Settings(label_smoothing, chunk, compiled)
        )
    return loss


@dataclass(frozen=True)
class _Settings:
    label_smoothing: float
    chunk: int
    compiled: bool


class _LinearCrossEntropy(torch.autograd.Function):
    """The loss, with its gradients computed in the forward pass, while each chunk's logits live."""

    @staticmethod
    def forward(
        ctx: Any,  # noqa: ANN401 - torch has no type for it
        hidden: Tensor,
        weight: Tensor,
        bias: Tensor | None,
        labels: Tensor,
        settings: _Settings,
    ) -> Tensor:
        chunk = settings.chunk
        turn_into_gradient = _in_one_kernel() if settings.compiled else _turn_into_gradient
        size = weight.shape[0]
        missing = padded_vocabulary(size) - size
        padded = functional.pad(weight, (0, 0, 0, missing)) if missing else weight
        wanted = ctx.needs_input_grad[:3]
        total = hidden.new_zeros((), dtype=torch.float32)
        # The weights' gradient is summed over the chunks in fp32, whatever the weights are in.
        sums = hidden.new_zeros(padded.shape, dtype=torch.float32) if wanted[1] else None
        of_bias = hidden.new_zeros(size, dtype=torch.float32) if wanted[2] else None
        of_hidden = torch.empty_like(hidden) if wanted[0] else None
        for start in range(0, len(hidden), chunk):
            place = slice(start, start + chunk)
            some = hidden[place]
            logits = some @ padded.T
            values = logits[:, :size].float()
            if bias is not None:
                values += bias.float()
            total += turn_into_gradient(values, labels[place], settings.label_smoothing)
            if values.dtype != logits.dtype:
                logits[:, :size] = values
            if of_hidden is not None:
                torch.mm(logits, padded, out=of_hidden[place])
            if sums is not None and logits.dtype == sums.dtype:
                sums.addmm_(logits.T, some)
            elif sums is not None:
                sums += logits.T @ some
            if of_bias is not None:
                of_bias += values.sum(dim=0)
        ctx.save_for_backward(
            of_hidden,
            None if sums is None else sums[:size].to(weight.dtype),
            None if of_bias is None or bias is None else of_bias.to(bias.dtype),
        )
        return total

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, scale: Tensor) -> tuple[Tensor | None, ...]:  # noqa: ANN401 - as above
        gradients = (each if each is None else each * scale for each in ctx.saved_tensors)
        return (*gradients, None, None)


def _turn_into_gradient(values: Tensor, labels: Tensor, label_smoothing: float) -> Tensor:
    """Replace logits by the gradient of their loss.

    Args:
        values: (C, V), in fp32; changed in place.
        labels: (C,).
        label_smoothing: probability mass spread over the vocabulary.

    Returns:
        The summed loss.
    """
    counts = labels != IGNORED
    places = labels.where(counts, 0).unsqueeze(1)
    chosen = (1 - label_smoothing) * values.gather(1, places).squeeze(1)
    if label_smoothing:
        chosen += label_smoothing * values.mean(dim=1)
    # log-sum-exp and softmax in place: PyTorch's own would each hold another copy.
    largest = values.amax(dim=1, keepdim=True)
    sums = values.sub_(largest).exp_().sum(dim=1, keepdim=True)
    losses = (sums.log() + largest).squeeze(1) - chosen
    values /= sums
    if label_smoothing:
        values -= label_smoothing / values.shape[1]
    values.scatter_add_(1, places, values.new_full((), label_smoothing - 1).expand_as(places))
    values *= counts.unsqueeze(1)
    return losses.where(counts, 0).sum()


@cache
def _in_one_kernel() -> Callable[[Tensor, Tensor, float], Tensor]:
    return torch.compile(_turn_into_gradient, dynamic=False)
