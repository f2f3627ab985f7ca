"""What is decided: actions, the status to write, and what becomes of the current stage."""

from dataclasses import dataclass, field

from llmtrain_api.run_config import RunConfig
from llmtrain_api.stages import StageGroup
from llmtrain_api.status import ClusterStatus, EvaluationResult, JobStatus, StageStatus


@dataclass(frozen=True)
class EnsureCluster:
    """Make a Ray cluster, where none has this name."""

    name: str
    group: StageGroup
    """Says which compute it has."""


@dataclass(frozen=True)
class DeleteCluster:
    """Give a Ray cluster's compute back."""

    name: str


@dataclass(frozen=True)
class Submit:
    """Start the attempt of a stage as a Ray job; a used id means that it was started already."""

    submission_id: str
    run_config: RunConfig


@dataclass(frozen=True)
class Stop:
    """Ask a Ray job to end after a committed checkpoint."""

    submission_id: str


@dataclass(frozen=True)
class DeleteJob:
    """Delete the job itself: it has ended, and its time to live is over."""


Action = DeleteJob | EnsureCluster | DeleteCluster | Submit | Stop


@dataclass(frozen=True)
class Decision:
    """The status to write, and what to do, in this order: actions first, then the status.

    Every action is idempotent: a pass that died in the middle is simply made again.
    """

    status: JobStatus
    actions: tuple[Action, ...] = ()
    requeue_after_seconds: float | None = field(default=None)
    """When to look again though nothing happened; None waits for an event."""


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
