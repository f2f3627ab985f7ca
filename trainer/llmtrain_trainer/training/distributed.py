"""The ranks of this stage, through torch.distributed."""

from typing import TypeVar

import torch
from torch import Tensor
from torch import distributed as dist

T = TypeVar("T")


class Ranks:
    """The process group that the launcher made. Every method but the properties is collective."""

    @property
    def rank(self) -> int:
        """This rank, from 0."""
        return dist.get_rank()

    @property
    def world_size(self) -> int:
        """Number of ranks."""
        return dist.get_world_size()

    def gather(self, value: T) -> list[T]:
        """Every rank's value, in the order of ranks, on every rank."""
        values: list[T] = [value] * self.world_size
        dist.all_gather_object(values, value)
        return values

    def sum(self, values: Tensor) -> Tensor:
        """The elementwise sum over all ranks, in place."""
        dist.all_reduce(values)
        return values


def device() -> torch.device:
    """Where this rank computes: its GPU, or the CPU."""
    if torch.cuda.is_available():
        return torch.device("cuda", torch.cuda.current_device())
    return torch.device("cpu")
