"""What one pass makes of the stage that the job is at."""

from dataclasses import dataclass

from llmtrain_api.status import ClusterStatus, EvaluationResult, StageStatus
from llmtrain_lifecycle.decision import Action

STAGE_RUNNING = "StageRunning"
"""The reason of a stage that goes on as it should."""


@dataclass(frozen=True)
class Step:
    """What becomes of a stage in one pass."""

    stage: StageStatus
    actions: tuple[Action, ...] = ()
    reason: str = STAGE_RUNNING
    message: str = ""
    requeue_after_seconds: float | None = None
    evaluation: tuple[EvaluationResult, ...] = ()
    cluster: ClusterStatus | None = None
    """What becomes of the job's cluster; None where nothing does."""


def soonest(*seconds: float | None) -> float | None:
    """The shortest of some waits, of which None is endless; never below 0."""
    return min((max(each, 0) for each in seconds if each is not None), default=None)
