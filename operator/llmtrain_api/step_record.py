"""The lines of the metrics file that a training stage writes into the workspace."""

from llmtrain_api.base import Record


class StepRecord(Record):
    """One optimizer step, or one validation after it."""

    step: int
    """Optimizer steps done, this one included."""
    loss: float | None = None
    """Mean over the batch, in nats per label."""
    gradient_norm: float | None = None
    """Before clipping."""
    learning_rate: float | None = None
    samples: str | None = None
    """A digest of the numbers of the sequences in the batch, in order."""
    seconds: float | None = None
    """Wall time of the step."""
    validation_loss: float | None = None
    """In nats per label."""
    validation_bits_per_byte: float | None = None
