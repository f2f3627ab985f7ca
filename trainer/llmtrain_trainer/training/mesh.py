"""The mesh of ranks: their group, and the place of each one on the axes of parallelism.

The tensor axis varies fastest and the pipeline axis slowest, as in DeepSpeed's topologies and in
Megatron-LM: what talks most lies closest together.
"""

import platform
from dataclasses import dataclass
from typing import Self, TypeVar

import torch
from pydantic import TypeAdapter
from torch import Tensor
from torch import distributed as dist

from llmtrain_api.parallel import ParallelDims
from llmtrain_trainer.errors import UserError

T = TypeVar("T")
_NOTHING: TypeAdapter[None] = TypeAdapter(None)
_NAME = TypeAdapter(str)


class Ranks:
    """All ranks of the stage. Every method but the properties is collective.

    Args:
        beside: a group of all ranks beside the one that the launcher made, for another thread; it
            works on the host.
    """

    def __init__(self, beside: dist.ProcessGroup | None = None) -> None:
        self._group = beside
        self._device = device() if beside is None else torch.device("cpu")

    @classmethod
    def beside(cls) -> Self:
        """A second group of all ranks: a thread that uses it does not disturb training."""
        return cls(dist.new_group(backend="gloo"))

    def close(self) -> None:
        """Give up a group that `beside` made."""
        dist.destroy_process_group(self._group)

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
            value: value of this rank.
            kind: type of the value, by which the others' values are validated.
        """
        own = torch.frombuffer(bytearray(kind.dump_json(value)), dtype=torch.uint8)
        size = torch.tensor([own.numel()], device=self._device)
        sizes = [torch.empty_like(size) for _ in range(self.size)]
        dist.all_gather(sizes, size, group=self._group)
        longest = max(int(each) for each in sizes)
        padded = torch.zeros(longest, dtype=torch.uint8, device=self._device)
        padded[: own.numel()] = own
        texts = [torch.empty_like(padded) for _ in range(self.size)]
        dist.all_gather(texts, padded, group=self._group)
        pairs = zip(texts, sizes, strict=True)
        return [
            kind.validate_json(text[: int(length)].cpu().numpy().tobytes())
            for text, length in pairs
        ]

    def count_here(self) -> int:
        """Ranks on this machine, or in this Pod: they share its memory."""
        return self.gather(platform.node(), _NAME).count(platform.node())

    def sum(self, values: Tensor) -> Tensor:
        """The elementwise sum over all ranks, in place."""
        dist.all_reduce(values, group=self._group)
        return values


def device() -> torch.device:
    """Device of this rank: its GPU, or the CPU."""
    if torch.cuda.is_available():
        return torch.device("cuda", torch.cuda.current_device())
    return torch.device("cpu")


def read(values: Tensor) -> list[float]:
    """Numbers of the device, (N,), on the host, which waits for all that the device has to do."""
    numbers: list[float] = values.tolist()
    return numbers


@dataclass(frozen=True)
class Axis:
    """One axis of the mesh, as a rank sees it."""

    rank: int
    """This rank's index on the axis, from 0."""
    size: int
    """Number of ranks along the axis."""


@dataclass(frozen=True)
class Place:
    """The place of one rank in a mesh. Arithmetic only; it needs no process group."""

    dims: ParallelDims
    rank: int
    """This rank among all, from 0."""

    @property
    def tensor(self) -> Axis:
        """The axis along which matrices are split."""
        return self._axis(self.dims.tensor, stride=1)

    @property
    def sequence(self) -> Axis:
        """The axis along which sequences are split."""
        return self._axis(self.dims.sequence, stride=self.dims.tensor)

    @property
    def data(self) -> Axis:
        """The axis along which the batch is split."""
        return self._axis(self.dims.data, stride=self.dims.tensor * self.dims.sequence)

    @property
    def pipeline(self) -> Axis:
        """The axis along which layers are split."""
        return self._axis(self.dims.pipeline, stride=self.dims.tensor * self.dims.zero_ranks)

    @property
    def random_stream(self) -> int:
        """Number of the random numbers that this rank draws.

        Ranks that differ in nothing but their tensor rank hold the same activations between the
        split matrices, so their dropout must be the same. All others draw numbers of their own.
        """
        return self.rank // self.dims.tensor

    @property
    def counts_loss(self) -> bool:
        """Whether this rank's loss counts in a sum over all ranks.

        The last pipeline stage computes the loss, and each of its tensor ranks all of it.
        """
        return self.tensor.rank == 0 and self.pipeline.rank == self.pipeline.size - 1

    def _axis(self, size: int, *, stride: int) -> Axis:
        return Axis(self.rank // stride % size, size)


@dataclass(frozen=True)
class Mesh(Place):
    """A rank's place, and the group of all ranks for what they do together."""

    all: Ranks

    @classmethod
    def join(cls, dims: ParallelDims) -> Self:
        """The mesh over the process group that the launcher made.

        Raises:
            UserError: the launcher started another number of ranks.
        """
        ranks = Ranks()
        if ranks.size != dims.ranks:
            raise UserError(
                f"{ranks.size} ranks were started; workers.count of the run config asks for "
                f"{dims.ranks}"
            )
        return cls(dims, ranks.rank, ranks)
