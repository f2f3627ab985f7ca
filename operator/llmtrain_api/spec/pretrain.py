"""Pretraining: the next token over all documents."""

from enum import StrEnum
from typing import Annotated, Self

from pydantic import ConfigDict, Field, StringConstraints, model_validator

from llmtrain_api.base import Section, rule, rules, written
from llmtrain_api.spec.training import Checkpoint, Optimizer, Precision, Zero

TokenMultiple = Annotated[
    str,
    StringConstraints(pattern=r"^[1-9][0-9]{0,3}(\.[0-9]{1,2})?x$", max_length=8),
    written("a multiple of the parameter count, such as 20x"),
]
"""A multiple of the parameter count: `20x` (Hoffmann et al. 2022)."""


class StoppingMetric(StrEnum):
    """What early stopping watches."""

    VALIDATION_LOSS = "validationLoss"


class EarlyStopping(Section):
    """Ends pretraining when validation no longer improves."""

    metric: StoppingMetric = StoppingMetric.VALIDATION_LOSS
    patience: int = Field(5, ge=1, le=1000)
    """Validations in a row without an improvement."""
    min_delta: float = Field(0.0, ge=0, le=100)
    """Smallest fall of the metric that counts as an improvement."""


class Validation(Section):
    """Measures the loss on held-out documents as training goes."""

    every_steps: int = Field(100, ge=1, le=1_000_000)
    """Steps between two validations; one more comes at the end."""
    max_tokens: int = Field(1_048_576, ge=1, le=1_000_000_000)
    """Held-out tokens read each time, from the first on."""


class Pretrain(Section):
    """Pretraining with DeepSpeed ZeRO."""

    model_config = ConfigDict(
        json_schema_extra=rules(
            rule(
                "self.batchTokens % self.sequenceLength == 0",
                "batchTokens must be a multiple of sequenceLength",
            ),
        )
    )

    tokens: Annotated[int, Field(ge=1, le=10**15)] | TokenMultiple = "20x"
    """Tokens to train on: a number, or a multiple of the parameter count."""
    sequence_length: int = Field(1024, ge=8, le=1_048_576)
    """Tokens of a sequence."""
    batch_tokens: int = Field(65_536, ge=8, le=1_000_000_000)
    """Tokens of an optimizer step, over all workers."""
    micro_batch_size: int | None = Field(None, ge=1, le=65536)
    """Sequences of one forward pass on a worker; by default as many as divide its share of the
    batch, 8 at most."""
    optimizer: Optimizer = Optimizer()
    precision: Precision = Precision.BF16
    zero: Zero = Zero()
    activation_checkpointing: bool = False
    """Recompute activations in the backward pass: less memory, about a third more compute."""
    compile: bool = False
    """Compile the model with torch.compile."""
    label_smoothing: float = Field(0.0, ge=0, lt=1)
    """Probability mass spread over all tokens (Szegedy et al. 2016)."""
    checkpoint: Checkpoint = Checkpoint()
    validation: Validation = Validation()
    early_stopping: EarlyStopping | None = None

    @model_validator(mode="after")
    def _whole_sequences(self) -> Self:
        if self.batch_tokens % self.sequence_length:
            raise ValueError(
                "batchTokens must be a multiple of sequenceLength; "
                f"{self.batch_tokens} is not one of {self.sequence_length}"
            )
        return self
