"""The evaluation report that lies in the workspace."""

from llmtrain_api.base import Record
from llmtrain_api.status import EvaluationResult


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
