"""The arrangement of a training stage's ranks: how many share the batch, how many the model.

Ranks that differ in their data rank train on different sequences. Ranks that differ in their tensor
or pipeline rank hold different parts of one model, and ranks that differ in their sequence rank
different positions of the same sequences. Batch, seeds, memory and checkpoints ask for the axis
that they mean, never for the number of ranks.
"""

from typing import Self

from pydantic import Field, model_validator

from llmtrain_api.base import Record


class ParallelDims(Record):
    """Sizes of the mesh that the ranks form: data x sequence x tensor x pipeline ranks."""

    data: int = Field(ge=1)
    """Shares of the batch."""
    tensor: int = Field(1, ge=1)
    """Parts of each matrix (Shoeybi et al. 2019, Megatron-LM)."""
    pipeline: int = Field(1, ge=1)
    """Groups of consecutive layers (Huang et al. 2018, GPipe)."""
    sequence: int = Field(1, ge=1)
    """Parts of each sequence (Jacobs et al. 2023, DeepSpeed Ulysses)."""
    expert: int = Field(1, ge=1)
    """Shares of the experts. They lie on ranks that train on different tokens, so this is no axis
    beside the others: it divides data x sequence (Rajbhandari et al. 2022, DeepSpeed-MoE)."""

    @model_validator(mode="after")
    def _experts_divide(self) -> Self:
        if self.zero_ranks % self.expert:
            raise ValueError(
                f"expert must divide data x sequence, {self.data} x {self.sequence} = "
                f"{self.zero_ranks}; {self.expert} does not"
            )
        return self

    @classmethod
    def over(
        cls, ranks: int, *, tensor: int = 1, pipeline: int = 1, sequence: int = 1, expert: int = 1
    ) -> Self:
        """The arrangement in which the data axis takes what the other axes leave.

        Args:
            ranks: number of ranks.
            tensor: size of the tensor axis.
            pipeline: size of the pipeline axis.
            sequence: size of the sequence axis.
            expert: shares of the experts.

        Raises:
            ValueError: the other axes do not divide the ranks.
        """
        model = tensor * pipeline * sequence
        if ranks % model:
            raise ValueError(
                f"tensor x pipeline x sequence, {tensor} x {pipeline} x {sequence} = {model}, "
                f"must divide the number of ranks; {ranks} is no multiple of it"
            )
        return cls(
            data=ranks // model, tensor=tensor, pipeline=pipeline, sequence=sequence, expert=expert
        )

    @property
    def ranks(self) -> int:
        """Number of ranks."""
        return self.zero_ranks * self.tensor * self.pipeline

    @property
    def zero_ranks(self) -> int:
        """Ranks that hold the same part of the model and see different tokens.

        They average their gradients, and ZeRO shards over them.
        """
        return self.data * self.sequence
