"""Pretraining: the next token over all documents."""

from decimal import Decimal
from typing import Annotated

from pydantic import Field, StringConstraints

from llmtrain_api.base import MayChange, Section, written
from llmtrain_api.spec.training import Training

TokenMultiple = Annotated[
    str,
    StringConstraints(pattern=r"^[1-9][0-9]{0,3}(\.[0-9]{1,2})?x$", max_length=8),
    written("a multiple of the parameter count, such as 20x"),
]
"""A multiple of the parameter count: `20x` (Hoffmann et al. 2022)."""


class EarlyStopping(Section):
    """Ends pretraining when the validation loss no longer improves."""

    patience: int = Field(5, ge=1, le=1000)
    """Number of validations in a row without an improvement that end pretraining."""
    min_delta: float = Field(0.0, ge=0, le=100)
    """Smallest fall of the validation loss that counts as an improvement."""


class Validation(Section):
    """Measures the loss on held-out documents during training."""

    every_steps: int = Field(100, ge=1, le=1_000_000)
    """Steps between two validations; one more takes place at the end."""
    max_tokens: int = Field(1_048_576, ge=1, le=1_000_000_000)
    """Number of held-out tokens read at each validation, the same ones each time. Where there
    are more, sequences are taken at even distances."""


class Pretrain(Training):
    """Pretraining of the model on all documents, with DeepSpeed ZeRO."""

    tokens: Annotated[int, Field(ge=1, le=10**15)] | TokenMultiple = "20x"
    """Number of tokens to train on, or a multiple of the parameter count such as `20x`."""
    label_smoothing: float = Field(0.0, ge=0, lt=1)
    """Probability mass spread evenly over all tokens (Szegedy et al. 2016)."""
    validation: Annotated[Validation, MayChange()] = Validation()
    early_stopping: Annotated[EarlyStopping | None, MayChange()] = None

    def total_tokens(self, parameters: int, counted: int | None = None) -> int:  # noqa: ARG002 - as every `Training`
        """Tokens to train on; `20x` is where loss falls most for the compute spent.

        Hoffmann et al. 2022, "Chinchilla", table 3.
        """
        if isinstance(self.tokens, int):
            return self.tokens
        # Exact: 0.1 has no binary fraction.
        return int(Decimal(self.tokens.removesuffix("x")) * parameters)
