"""The ranks of this stage, through torch.distributed."""

from typing import TypeVar

import torch
from pydantic import TypeAdapter
from torch import Tensor
from torch import distributed as dist

T = TypeVar("T")
_NOTHING: TypeAdapter[None] = TypeAdapter(None)


class Ranks:
    """The process group that the launcher made. Every method but the properties is collective."""

    @property
    def rank(self) -> int:
        """This rank, from 0."""
        return dist.get_rank()

    @property
    def size(self) -> int:
        """Number of ranks."""
        return dist.get_world_size()

    def barrier(self) -> None:
        """Wait until all ranks are here."""
        self.gather(None, _NOTHING)

    def gather(self, value: T, kind: TypeAdapter[T]) -> list[T]:
        """Every rank's value, in the order of ranks, on every rank.

        They travel as JSON: torch would pickle them, and a pickle from a stranger runs code.

        Args:
            value: of this rank.
            kind: what it is; the others' values are held against it.
        """
        own = torch.frombuffer(bytearray(kind.dump_json(value)), dtype=torch.uint8)
        size = torch.tensor([own.numel()], device=device())
        sizes = [torch.empty_like(size) for _ in range(self.size)]
        dist.all_gather(sizes, size)
        longest = max(int(each) for each in sizes)
        padded = torch.zeros(longest, dtype=torch.uint8, device=device())
        padded[: own.numel()] = own
        texts = [torch.empty_like(padded) for _ in range(self.size)]
        dist.all_gather(texts, padded)
        pairs = zip(texts, sizes, strict=True)
        return [
            kind.validate_json(text[: int(length)].cpu().numpy().tobytes())
            for text, length in pairs
        ]

    def sum(self, values: Tensor) -> Tensor:
        """The elementwise sum over all ranks, in place."""
        dist.all_reduce(values)
        return values


def device() -> torch.device:
    """Where this rank computes: its GPU, or the CPU."""
    if torch.cuda.is_available():
        return torch.device("cuda", torch.cuda.current_device())
    return torch.device("cpu")
