"""Decisions: actions, the status to write, and the result of the current stage."""

from dataclasses import dataclass, field

from llmtrain_api.run_config import RunConfig
from llmtrain_api.stages import StageGroup
from llmtrain_api.status import ClusterStatus, EvaluationResult, JobStatus, StageStatus


@dataclass(frozen=True)
class EnsureCluster:
    """Create a Ray cluster, unless one has this name."""

    name: str
    group: StageGroup
    """Stage group with the cluster's compute."""


@dataclass(frozen=True)
class DeleteCluster:
    """Delete a Ray cluster."""

    name: str


@dataclass(frozen=True)
class Submit:
    """Start an attempt as a Ray job; a used ID means that it was started already."""

    submission_id: str
    run_config: RunConfig


@dataclass(frozen=True)
class Stop:
    """Ask a Ray job to end after a committed checkpoint."""

    submission_id: str


@dataclass(frozen=True)
class DeleteJob:
    """Delete the job itself: its time to live after the end is over."""


Action = DeleteJob | EnsureCluster | DeleteCluster | Submit | Stop


@dataclass(frozen=True)
class Decision:
    """The result of a reconcile: actions to execute first, then the status to write.

    Every action is idempotent: an interrupted reconcile is simply repeated.
    """

    status: JobStatus
    actions: tuple[Action, ...] = ()
    requeue_after_seconds: float | None = field(default=None)
    """Seconds until the next reconcile without an event; None waits for an event."""


STAGE_RUNNING = "StageRunning"
"""Reason of a stage without problems."""


@dataclass(frozen=True)
class Step:
    """The result of one reconcile for a stage."""

    stage: StageStatus
    actions: tuple[Action, ...] = ()
    reason: str = STAGE_RUNNING
    message: str = ""
    requeue_after_seconds: float | None = None
    evaluation: tuple[EvaluationResult, ...] = ()
    cluster: ClusterStatus | None = None
    """New status of the job's cluster; None leaves it as it is."""


def soonest(*seconds: float | None) -> float | None:
    """The shortest of some waits; None is endless, and the result is never below 0."""
    return min((max(each, 0) for each in seconds if each is not None), default=None)
