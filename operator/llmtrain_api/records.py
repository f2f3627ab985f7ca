"""The records that stages leave in the workspace: what they ran on, each step, the evaluation."""

from llmtrain_api.base import Record
from llmtrain_api.contamination import TaskContamination
from llmtrain_api.run_config import Workers
from llmtrain_api.status import EvaluationResult
from llmtrain_api.training_metrics import TrainingMetrics, metric_fields


class Environment(Record):
    """The software and the compute of one attempt."""

    llmtrain: str
    """Version of llmtrain."""
    python: str
    """Version of Python."""
    platform: str
    """Operating system and processor of the driver: `Linux-6.1-x86_64-with-glibc2.36`."""
    libraries: dict[str, str]
    """Version of each library that has a say in the result, by the name of its package."""
    workers: Workers


class StepRecord(TrainingMetrics):
    """Measurements of one optimizer step, or of one validation after it."""

    step: int
    """Optimizer steps done, this one included."""
    samples: str | None = None
    """A digest of the numbers of the sequences in the batch, in order."""
    source_tokens: tuple[int, ...] | None = None
    """Tokens trained on in all steps so far, by source of the manifest; None where the sources have
    no weights."""
    seconds: float | None = None
    """Wall time of the step."""


STEP_LOG_FIELDS = frozenset(
    {"samples", "source_tokens", "seconds", "scalars"}
    | {each.field for each in metric_fields(TrainingMetrics) if each.metric.step_log}
)
"""Fields of a record that a line holds: what is not measured anew at each step is left out."""


class Generation(Record):
    """A text that a model wrote."""

    model: str
    """`initial`, `pretrained` or `finetuned`."""
    prompt: str
    text: str
    """The continuation alone."""


class GateResult(Record):
    """A gate of the manifest beside what was measured."""

    metric: str
    value: float
    min: float | None = None
    max: float | None = None
    passed: bool


class EvaluationReport(Record):
    """All that an evaluate stage found."""

    results: tuple[EvaluationResult, ...] = ()
    generations: tuple[Generation, ...] = ()
    gates: tuple[GateResult, ...] = ()
    contamination: tuple[TaskContamination, ...] = ()
    """Questions of the tasks in the job's training texts."""
