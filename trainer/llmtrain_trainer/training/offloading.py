"""Inputs of blocks in the host's memory, from the forward pass to the backward pass.

With full checkpointing a block keeps nothing but its input. On a GPU the copies run on a stream of
their own, beside the computation: to the host while the block is computed, and back while the
block after it is.
"""

from collections.abc import Callable
from weakref import ReferenceType, ref

import torch
from torch import Tensor, nn
from torch.autograd.graph import saved_tensors_hooks

from llmtrain_trainer.training.compiling import blocks_of

Forward = Callable[..., object]


def offload_inputs(model: nn.Module) -> None:
    """Have blocks keep their inputs in the host's memory.

    Args:
        model: it is changed. Its blocks are checkpointed in full, and compiled already, if at all.
    """
    copies = _Copies()
    for block in blocks_of(model):
        block.forward = _offloading(block.forward, copies)


def _offloading(forward: Forward, copies: "_Copies") -> Forward:
    def call(hidden: Tensor, *others: object, **named: object) -> object:
        address, shape = hidden.data_ptr(), hidden.shape  # not the tensor, which would be kept

        def pack(saved: Tensor) -> Tensor | _Kept:
            is_input = saved.data_ptr() == address and saved.shape == shape
            return copies.keep(saved) if is_input else saved

        with saved_tensors_hooks(pack, copies.give_back):
            return forward(hidden, *others, **named)

    return call


class _Kept:
    """A tensor in the host's memory, and on its way back to the device."""

    def __init__(
        self, host: Tensor, device: torch.device, before: "ReferenceType[_Kept] | None"
    ) -> None:
        self.host, self.device = host, device
        self.before = before
        """The input of the block before, which the backward pass needs next."""
        self.returning: Tensor | None = None
        self.returned: torch.cuda.Event | None = None


class _Copies:
    """Copies tensors to the host and back."""

    def __init__(self) -> None:
        self._stream: torch.cuda.Stream | None = None
        self._last: ReferenceType[_Kept] | None = None

    def keep(self, values: Tensor) -> _Kept:
        """Copy to the host. The device's memory is free as soon as the copy is done."""
        kept = _Kept(self._to_host(values), values.device, self._last)
        self._last = ref(kept)
        return kept

    def give_back(self, saved: Tensor | _Kept) -> Tensor:
        """The tensor on its device; the copy of the one that is needed next is begun."""
        if isinstance(saved, Tensor):
            return saved
        self._begin_return(saved)
        values = saved.returning
        assert values is not None
        if saved.returned is not None:
            torch.cuda.current_stream(saved.device).wait_event(saved.returned)
            values.record_stream(torch.cuda.current_stream(saved.device))
        saved.returning = None
        following = saved.before() if saved.before is not None else None
        if following is not None:
            self._begin_return(following)
        return values

    def _to_host(self, values: Tensor) -> Tensor:
        if not values.is_cuda:
            return values.detach().clone()
        if self._stream is None:
            self._stream = torch.cuda.Stream(values.device)
        host = torch.empty(values.shape, dtype=values.dtype, pin_memory=True)
        self._stream.wait_stream(torch.cuda.current_stream(values.device))
        with torch.cuda.stream(self._stream):
            host.copy_(values.detach(), non_blocking=True)
        values.record_stream(self._stream)
        return host

    def _begin_return(self, kept: _Kept) -> None:
        if kept.returning is not None:
            return
        if self._stream is None:
            kept.returning = kept.host
            return
        with torch.cuda.stream(self._stream):
            kept.returning = kept.host.to(kept.device, non_blocking=True)
            kept.returned = self._stream.record_event()
