"""Bytes of the tensors that live while a block of code runs, as torch's dispatcher sees them."""

import gc
import weakref
from collections.abc import Callable, Iterator
from typing import Any

from torch import Tensor
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves
from torch.utils.weak import WeakIdKeyDictionary


class LiveBytes(TorchDispatchMode):
    """Counts the storages of all tensors: those that are there at the start, and each new one.

    Memory that a kernel takes for itself and frees before it returns is not seen. Works with fake
    tensors too, so that a model of real size costs neither memory nor time.
    """

    def __init__(self) -> None:
        super().__init__()
        self.live = self.peak = 0
        self._known = WeakIdKeyDictionary()
        gc.collect()
        for tensor in _tensors():
            self._add(tensor)

    def __torch_dispatch__(
        self,
        func: Callable[..., Any],
        types: Any,
        args: tuple[Any, ...] = (),
        kwargs: dict[str, Any] | None = None,
    ) -> Any:
        """Call an operator, and count what it has made."""
        result = func(*args, **(kwargs or {}))
        for leaf in tree_leaves(result):
            if isinstance(leaf, Tensor):
                self._add(leaf)
        return result

    def _add(self, tensor: Tensor) -> None:
        storage = tensor.untyped_storage()
        if tensor.device.type == "meta" or storage in self._known:
            return
        size = storage.nbytes()
        self._known[storage] = size
        weakref.finalize(storage, self._free, size)
        self.live += size
        self.peak = max(self.peak, self.live)

    def _free(self, size: int) -> None:
        self.live -= size


def _tensors() -> Iterator[Tensor]:
    """All tensors that Python knows, and their gradients."""
    for each in gc.get_objects():
        if issubclass(type(each), Tensor):
            yield each
            if each.is_leaf and each.grad is not None:
                yield each.grad
