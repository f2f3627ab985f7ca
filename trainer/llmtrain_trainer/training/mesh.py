"""The mesh of ranks: the place of each one on the axes of parallelism, and the group of all.

The tensor axis varies fastest and the pipeline axis slowest, as in DeepSpeed's topologies and in
Megatron-LM: what talks most lies closest together.
"""

from dataclasses import dataclass
from typing import Self

from llmtrain_api.parallel import ParallelDims
from llmtrain_trainer.errors import UserError
from llmtrain_trainer.training.distributed import Ranks


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
