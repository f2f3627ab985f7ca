"""What pretraining and fine-tuning have in common: optimizer, precision, ZeRO, checkpoints."""

from abc import ABC, abstractmethod
from enum import IntEnum, StrEnum
from typing import Annotated, Literal, Self

from pydantic import ConfigDict, Field, model_validator

from llmtrain_api.base import MayChange, Section, rule, rules


class Schedule(StrEnum):
    """Course of the learning rate after the warmup."""

    COSINE = "cosine"
    WARMUP_STABLE_DECAY = "warmupStableDecay"
    CONSTANT = "constant"


class Optimizer(Section):
    """AdamW (Loshchilov & Hutter 2019) with a learning rate schedule."""

    model_config = ConfigDict(
        json_schema_extra=rules(
            rule(
                "self.schedule != 'warmupStableDecay'"
                " || self.warmupFraction + self.decayFraction <= 1.0",
                "warmupFraction and decayFraction must not exceed 1 together",
            )
        )
    )

    learning_rate: float = Field(3e-4, gt=0, le=1)
    """Peak learning rate, reached at the end of the warmup."""
    schedule: Schedule = Schedule.COSINE
    """Course of the learning rate after the warmup. `warmupStableDecay` holds the peak, then falls
    linearly over `decayFraction`."""
    warmup_fraction: float = Field(0.01, ge=0, lt=1)
    """Share of the steps in which the learning rate rises linearly."""
    decay_fraction: float = Field(0.2, gt=0, le=1)
    """Share of the steps in which `warmupStableDecay` falls."""
    final_fraction: float = Field(0.1, ge=0, le=1)
    """Learning rate at the end, as a share of the peak."""
    weight_decay: float = Field(0.1, ge=0, le=1)
    """Weight decay of matrices; biases and norms have none."""
    beta1: float = Field(0.9, ge=0, lt=1)
    """Decay rate of the gradients' running mean."""
    beta2: float = Field(0.95, ge=0, lt=1)
    """Decay rate of the squared gradients' running mean."""
    epsilon: float = Field(1e-8, ge=1e-30, le=1)
    """Constant added to the denominator of the update, in fp32."""
    clip: float = Field(1.0, ge=0, le=1000)
    """Largest norm of the gradient; 0 turns clipping off."""

    @model_validator(mode="after")
    def _decay_follows_warmup(self) -> Self:
        together = self.warmup_fraction + self.decay_fraction
        if self.schedule is Schedule.WARMUP_STABLE_DECAY and together > 1:
            raise ValueError(
                "warmupFraction and decayFraction must not exceed 1 together; "
                f"{self.warmup_fraction:g} + {self.decay_fraction:g} = {together:g}"
            )
        return self


class Precision(StrEnum):
    """Number format of the model's computation; the optimizer always works in fp32."""

    FP32 = "fp32"
    BF16 = "bf16"
    FP8 = "fp8"
    """bf16, with the matrix products of the blocks in 8-bit floats: NVIDIA Hopper and later."""


class ZeroStage(IntEnum):
    """What ZeRO shards over the workers (Rajbhandari et al. 2020)."""

    NONE = 0
    OPTIMIZER = 1
    GRADIENTS = 2
    PARAMETERS = 3


class Offload(StrEnum):
    """What ZeRO keeps in host memory."""

    NONE = "none"
    OPTIMIZER = "optimizer"
    PARAMETERS = "parameters"


class ActivationCheckpointing(StrEnum):
    """What blocks keep for the backward pass, instead of all their activations."""

    AUTO = "auto"
    NONE = "none"
    SELECTIVE = "selective"
    FULL = "full"
    OFFLOAD = "offload"


class Zero(Section):
    """DeepSpeed ZeRO, which shards optimizer states, gradients and parameters."""

    model_config = ConfigDict(
        json_schema_extra=rules(
            rule(
                "self.offload == 'none' || self.stage >= 1",
                "offload needs zero stage 1, 2 or 3",
            ),
            rule(
                "self.offload != 'parameters' || self.stage == 3",
                "offload: parameters needs zero stage 3",
            ),
        )
    )

    stage: ZeroStage = ZeroStage.GRADIENTS
    """ZeRO stage: 0 shards nothing, 1 optimizer states, 2 also gradients, 3 also parameters."""
    offload: Offload = Offload.NONE
    """What is kept in host memory; `parameters` includes the optimizer states."""

    @model_validator(mode="after")
    def _offload_needs_sharding(self) -> Self:
        if self.offload is not Offload.NONE and self.stage is ZeroStage.NONE:
            raise ValueError("offload needs zero stage 1, 2 or 3")
        if self.offload is Offload.PARAMETERS and self.stage is not ZeroStage.PARAMETERS:
            raise ValueError("offload: parameters needs zero stage 3")
        return self


class Parallel(Section):
    """Parts of the model, each on a worker of its own."""

    tensor: int = Field(1, ge=1, le=64)
    """Number of workers that hold a model together: each has some heads of attention, and some of
    the feed-forward layer's width. They train on the same sequences. It divides the number of
    workers; they exchange activations in every layer, so they belong into one machine."""


class Checkpoint(Section):
    """Times at which checkpoints are committed, and how many are kept.

    One is always committed at the end of the stage, and when a stop is requested.
    """

    every_seconds: int | None = Field(None, ge=1, le=86400)
    """Longest time between two checkpoints, in seconds. By default it follows from the time that
    training waits for one, and from the failure rate of as many machines: 1 to 30 minutes."""
    every_steps: int | None = Field(None, ge=1, le=1_000_000)
    """Optimizer steps between two checkpoints, in addition to `everySeconds`."""
    keep: int = Field(3, ge=2, le=100)
    """Number of committed checkpoints that are kept; the one before the newest is the fallback."""


class Lora(Section):
    """LoRA adapters on every linear layer of the blocks (Hu et al. 2021)."""

    rank: int = Field(16, ge=1, le=1024)
    """Rank of an adapter: the columns of its first matrix and the rows of its second."""
    alpha: int = Field(32, ge=1, le=4096)
    """Scale of the adapters' output, which is multiplied by alpha / rank."""
    dropout: float = Field(0.0, ge=0, lt=1)
    """Dropout probability of the adapters' input."""


_PLAIN_PARTS = "parallel.tensor above 1 needs"
SPLIT_WAYS = (
    ActivationCheckpointing.AUTO,
    ActivationCheckpointing.NONE,
    ActivationCheckpointing.FULL,
)
"""Activation checkpointing of a model that is split. Selective would keep products of matrices that
are then summed in place, and sum them again."""

TRAINING_RULES = (
    *(
        rule(f"self.parallel.tensor == 1 || {expression}", f"{_PLAIN_PARTS} {needed}")
        for expression, needed in (
            ("self.precision != 'fp8'", "precision fp32 or bf16"),
            ("self.zero.offload == 'none'", "zero.offload: none"),
            (
                f"self.activationCheckpointing in {[way.value for way in SPLIT_WAYS]}",
                "activationCheckpointing auto, none or full",
            ),
            ("!has(self.compile) || !self.compile", "compile: false"),
        )
    ),
    rule(
        "self.activationCheckpointing != 'selective' || self.zero.stage != 3",
        "activationCheckpointing: selective needs zero stage 0, 1 or 2",
    ),
    rule(
        "self.batchTokens % self.sequenceLength == 0",
        "batchTokens must be a multiple of sequenceLength",
    ),
    rule(
        "self.precision != 'fp8' || self.zero.stage != 3",
        "precision fp8 needs zero stage 0, 1 or 2",
    ),
)
"""CEL for what `Training` requires; a section with more rules repeats it among them."""


class Training(Section, ABC):
    """The section of a stage that optimizes."""

    model_config = ConfigDict(json_schema_extra=rules(*TRAINING_RULES))

    sequence_length: int = Field(1024, ge=8, le=1_048_576)
    """Number of tokens in a sequence, at most the model's context length."""
    batch_tokens: int = Field(65_536, ge=8, le=1_000_000_000)
    """Number of tokens in an optimizer step over all workers, including padding."""
    micro_batch_size: Annotated[
        Annotated[int, Field(ge=1, le=65536)] | Literal["auto"] | None, MayChange()
    ] = None
    """Number of sequences in one forward pass of a worker, or `auto`: the largest that fits, found
    before the first step. By default `auto` on GPUs; on CPUs the largest number up to 8 that
    divides the worker's share of the batch."""
    optimizer: Optimizer = Optimizer()
    precision: Precision = Precision.BF16
    zero: Zero = Zero()
    parallel: Annotated[Parallel, MayChange()] = Parallel()
    activation_checkpointing: Annotated[ActivationCheckpointing, MayChange()] = (
        ActivationCheckpointing.AUTO
    )
    """Activations that are recomputed in the backward pass to save memory: `none`; `selective`, all
    but the results of matrix products and attention, for a little more time; `full`, all but the
    inputs of blocks, for a third more; `offload`, the same with those inputs in host memory.
    `auto` is the first of them that fits, on GPUs; on CPUs `none`."""
    compile: Annotated[bool | None, MayChange()] = None
    """Whether the model's blocks are compiled with torch.compile; by default on a GPU, where the
    machine has a C++ compiler."""
    checkpoint: Annotated[Checkpoint, MayChange()] = Checkpoint()

    @model_validator(mode="after")
    def _whole_sequences(self) -> Self:
        if self.batch_tokens % self.sequence_length:
            raise ValueError(
                "batchTokens must be a multiple of sequenceLength; "
                f"{self.batch_tokens} is not one of {self.sequence_length}"
            )
        return self

    @model_validator(mode="after")
    def _whole_weights_for_selective(self) -> Self:
        """Stage 3 gathers weights in the forward pass, and others when that is computed again."""
        selective = self.activation_checkpointing is ActivationCheckpointing.SELECTIVE
        if selective and self.zero.stage is ZeroStage.PARAMETERS:
            raise ValueError(
                "activationCheckpointing: selective needs zero stage 0, 1 or 2; or set it to full"
            )
        return self

    @model_validator(mode="after")
    def _whole_weights_for_fp8(self) -> Self:
        """Stage 3 exchanges a weight between its forward and its backward product."""
        if self.precision is Precision.FP8 and self.zero.stage is ZeroStage.PARAMETERS:
            raise ValueError("precision fp8 needs zero stage 0, 1 or 2; or set precision: bf16")
        return self

    @model_validator(mode="after")
    def _plain_parts(self) -> Self:
        """AutoTP splits plain linear layers, and sums their results in place."""
        if self.parallel.tensor == 1:
            return self
        if self.precision is Precision.FP8:
            raise ValueError(f"{_PLAIN_PARTS} precision fp32 or bf16")
        if self.zero.offload is not Offload.NONE:
            raise ValueError(f"{_PLAIN_PARTS} zero.offload: none")
        if self.activation_checkpointing not in SPLIT_WAYS:
            raise ValueError(f"{_PLAIN_PARTS} activationCheckpointing auto, none or full")
        if self.compile:
            raise ValueError(f"{_PLAIN_PARTS} compile: false")
        if self.adapters is not None:
            raise ValueError(f"{_PLAIN_PARTS} method: full")
        return self

    @property
    def named_micro_batch_size(self) -> int | None:
        """The number that the manifest names; None where it names none."""
        return None if self.micro_batch_size == "auto" else self.micro_batch_size

    def finds_micro_batch_size(self, *, on_gpus: bool) -> bool:
        """Whether the micro batch size is found by trying, before the first step."""
        return self.micro_batch_size == "auto" or (self.micro_batch_size is None and on_gpus)

    @property
    def packs_texts(self) -> bool:
        """Whether a sequence holds several texts, none of which attends to another."""
        return False

    @property
    def adapters(self) -> Lora | None:
        """The adapters that the stage trains; None where all weights learn."""
        return None

    @abstractmethod
    def total_tokens(self, parameters: int, counted: int | None) -> int | None:
        """Tokens of the whole stage; None where they are not known yet.

        Args:
            parameters: number of the model's parameters.
            counted: tokens of the stage's own data, where those have been counted.
        """
