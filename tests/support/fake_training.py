"""Training on fake tensors: the real engine, with shapes but without numbers.

A model of any size needs neither memory nor time for its products, and one process stands for one
of several ranks: the others are a process group that does nothing.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, TypeVar
from unittest.mock import patch

import torch
from pydantic import TypeAdapter
from torch import distributed as dist
from torch import nn
from torch._subclasses import fake_impls
from torch._subclasses.fake_tensor import FakeTensorMode
from torch.testing._internal.distributed.fake_pg import FakeStore

from llmtrain_api.parallel import ParallelDims
from llmtrain_trainer.training.mesh import Mesh, Ranks

T = TypeVar("T")
_NUMBERS = (torch.ops.aten.item.default, torch.ops.aten._local_scalar_dense.default)


class _Alike(Ranks):
    """Ranks that all have the value of this one."""

    def gather(self, value: T, kind: TypeAdapter[T]) -> list[T]:
        del kind
        return [value] * self.size


def join_alone(ranks: int) -> Mesh:
    """The mesh of rank 0 of several, the others of which do nothing."""
    dist.init_process_group("fake", store=FakeStore(), rank=0, world_size=ranks)
    return Mesh(ParallelDims.over(ranks), 0, _Alike())


@contextmanager
def fake_tensors() -> Iterator[None]:
    """A context whose tensors have no content; a number that is read from one is 0."""
    from deepspeed.runtime.zero import partitioned_param_coordinator

    zero = dict.fromkeys(_NUMBERS, _zero)
    with (
        patch.dict(fake_impls.op_implementations_dict, zero),
        patch.object(nn.Module, "_apply", _apply),
        patch.object(
            partitioned_param_coordinator, "assert_ints_same_as_other_ranks", lambda _: None
        ),
        FakeTensorMode(allow_non_fake_inputs=True),
    ):
        yield


def _zero(_mode: FakeTensorMode, _operator: object, tensor: Any) -> object:
    if tensor.item_memo is not None:
        return tensor.item_memo
    if tensor.dtype is torch.bool:
        return False
    return 0.0 if tensor.dtype.is_floating_point else 0


def _apply(module: nn.Module, function: Any, recurse: bool = True) -> nn.Module:  # noqa: FBT001, FBT002
    """Stand in for torch's own, which would exchange fake parameters that others refer to."""
    del recurse
    for each in module.modules():
        for parameter in each.parameters(recurse=False):
            parameter.data = function(parameter.data)
        for name, buffer in each.named_buffers(recurse=False):
            each._buffers[name] = function(buffer)
    return module
