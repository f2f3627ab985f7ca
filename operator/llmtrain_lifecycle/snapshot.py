"""The snapshot of everything outside the job that an executor can see."""

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from enum import StrEnum

from llmtrain_api.exit_codes import Outcome
from llmtrain_api.progress import ProgressReport
from llmtrain_api.status import LostPod
from llmtrain_lifecycle.money.paid_pods import PaidPod


class SubmissionState(StrEnum):
    """State of a Ray job."""

    PENDING = "Pending"
    RUNNING = "Running"
    SUCCEEDED = "Succeeded"
    FAILED = "Failed"
    STOPPED = "Stopped"
    OTHER = "Other"
    """Ray reports a state that this version does not know; the job may run."""

    @property
    def ended(self) -> bool:
        """Whether the job has ended."""
        return self in {
            SubmissionState.SUCCEEDED,
            SubmissionState.FAILED,
            SubmissionState.STOPPED,
        }


@dataclass(frozen=True)
class Submission:
    """The Ray job of an attempt."""

    submission_id: str
    state: SubmissionState
    exit_code: int | None = None
    """Exit code of the driver; None while it runs, or if Ray did not see its end."""
    outcome: Outcome | None = None
    """Outcome line at the end of its log; None if there is none."""


class ClusterState(StrEnum):
    """State of a Ray cluster."""

    STARTING = "Starting"
    """Some of its Pods are not ready."""
    READY = "Ready"
    """It accepts submissions, and has all of its workers."""
    SUSPENDED = "Suspended"
    """It waits in a queue, without compute."""
    BROKEN = "Broken"
    """It has lost its head, with the state of its jobs."""
    LEAVING = "Leaving"
    """It is being deleted; Pods may still run."""


@dataclass(frozen=True)
class Cluster:
    """One Ray cluster of the job."""

    name: str
    state: ClusterState
    reason: str = ""
    """Reason why it is not ready; CamelCase, for programs."""
    message: str = ""
    """Message for people, without figures that change with time alone."""


@dataclass(frozen=True)
class Obstacle:
    """An obstacle to the creation of a Ray cluster."""

    reason: str
    """CamelCase, for programs."""
    message: str
    """Message for people: what is missing, and how to fix it."""
    is_final: bool = False
    """Whether a retry would fail again."""


@dataclass(frozen=True)
class RayUnreachable:
    """Ray does not answer, or not as it should; the state of the attempt is unknown."""

    seconds: float
    """Seconds since Ray's last answer, or since the first request."""
    message: str
    """Error of the last request."""


@dataclass(frozen=True)
class Snapshot:
    """All inputs of a decision beside the job and its status.

    It is taken after the last reconcile has written its status. What cannot be seen is not absent:
    if Ray does not answer, `unreachable` says so, since a missing submission counts as lost.
    """

    clusters: tuple[Cluster, ...] = ()
    """All Ray clusters of the job, also those that it no longer needs."""
    obstacle: Obstacle | None = None
    """Obstacle to new clusters; with one, none is created."""
    refusal: Obstacle | None = None
    """Refusal of the last creation or submission, which is retried."""
    unreachable: RayUnreachable | None = None
    """Set if the Ray of the running attempt does not answer."""
    lost_pods: tuple[LostPod, ...] = ()
    """Lost Pods of the job's cluster."""
    submissions: tuple[Submission, ...] = ()
    """The job's Ray jobs on the cluster."""
    progress: ProgressReport | None = None
    """Newest progress report of the running driver."""
    unknown_fields: tuple[str, ...] = ()
    """Fields of the manifest that the operator does not know, as messages for people."""
    held_by: tuple[str, ...] | None = None
    """Finalizers of a job that is being deleted; None if it is not."""
    stop_requested: bool = False
    """Whether the user wants the job to stop after a checkpoint: Ctrl-C on a laptop."""
    created: datetime | None = None
    """Creation time of the job; None means the time of its first reconcile."""
    paid: tuple[PaidPod, ...] | None = None
    """Paid Pods of the job, existing and deleted; None if no prices are known."""
    expected_usd_per_hour: Decimal | None = None
    """Price of the trainers' cluster before it exists; None if it is unknown."""

    def cluster(self, name: str | None) -> Cluster | None:
        """The Ray cluster with a name."""
        return next((c for c in self.clusters if c.name == name), None)

    def submission(self, submission_id: str) -> Submission | None:
        """The Ray job with an ID."""
        return next((s for s in self.submissions if s.submission_id == submission_id), None)
