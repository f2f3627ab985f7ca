"""The lines of the metrics file that a training stage writes into the workspace."""

from llmtrain_api.training_metrics import TrainingMetrics, metric_fields


class StepRecord(TrainingMetrics):
    """Measurements of one optimizer step, or of one validation after it."""

    step: int
    """Optimizer steps done, this one included."""
    samples: str | None = None
    """A digest of the numbers of the sequences in the batch, in order."""
    seconds: float | None = None
    """Wall time of the step."""


STEP_LOG_FIELDS = frozenset(
    {"samples", "seconds", "scalars"}
    | {each.field for each in metric_fields(TrainingMetrics) if each.metric.step_log}
)
"""Fields of a record that a line holds: what is not measured anew at each step is left out."""
