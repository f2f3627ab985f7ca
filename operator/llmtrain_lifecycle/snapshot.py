"""What is there now, as far as an executor can see."""

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from enum import StrEnum

from llmtrain_api.exit_codes import Outcome
from llmtrain_api.progress import ProgressReport
from llmtrain_api.status import LostPod
from llmtrain_lifecycle.money.paid_pods import PaidPod


class SubmissionState(StrEnum):
    """Where a Ray job stands."""

    PENDING = "Pending"
    RUNNING = "Running"
    SUCCEEDED = "Succeeded"
    FAILED = "Failed"
    STOPPED = "Stopped"
    OTHER = "Other"
    """Ray says something that this version does not know; it may run."""

    @property
    def ended(self) -> bool:
        """Whether nothing of it runs any more."""
        return self in {
            SubmissionState.SUCCEEDED,
            SubmissionState.FAILED,
            SubmissionState.STOPPED,
        }


@dataclass(frozen=True)
class Submission:
    """One Ray job: the attempt of a stage."""

    submission_id: str
    state: SubmissionState
    exit_code: int | None = None
    """The driver's; None while it runs, or where Ray never saw it end."""
    outcome: Outcome | None = None
    """The last line of its log; None where there is none."""


class ClusterState(StrEnum):
    """Where a Ray cluster stands."""

    STARTING = "Starting"
    """Not all of its Pods are ready."""
    READY = "Ready"
    """It takes submissions, and has all of its workers."""
    SUSPENDED = "Suspended"
    """A queue has not given it any compute yet, or has taken it away."""
    BROKEN = "Broken"
    """It has lost its head, and all that the head knew."""
    LEAVING = "Leaving"
    """It is being deleted; some of it may still run."""


@dataclass(frozen=True)
class Cluster:
    """One Ray cluster of the job."""

    name: str
    state: ClusterState
    reason: str = ""
    """Why it is not ready; CamelCase, for programs."""
    message: str = ""
    """The same for people, without anything that changes while nothing happens."""


@dataclass(frozen=True)
class Obstacle:
    """What keeps a Ray cluster from being made."""

    reason: str
    """CamelCase, for programs."""
    message: str
    """For people: what is missing, and what to do about it."""
    is_final: bool = False
    """Whether another try would be in vain."""


@dataclass(frozen=True)
class RayUnreachable:
    """Ray does not answer, or not as it should; the state of the attempt is unknown."""

    seconds: float
    """Seconds since Ray answered, or was asked first."""
    message: str
    """What came instead of an answer."""


@dataclass(frozen=True)
class Snapshot:
    """All that a decision rests on, beside the job and its status.

    It is taken after the last pass has written its status. What cannot be seen is not absent:
    where Ray does not answer, `unreachable` says so, for a missing submission counts as lost.
    """

    clusters: tuple[Cluster, ...] = ()
    """All that there are, also those that the job needs no more."""
    obstacle: Obstacle | None = None
    """Where something does, none is asked for."""
    refusal: Obstacle | None = None
    """What was said to the last try to make the cluster, or to submit; it is tried again."""
    unreachable: RayUnreachable | None = None
    """Set where the Ray that runs the attempt does not answer."""
    lost_pods: tuple[LostPod, ...] = ()
    """Pods of the cluster that the job was given."""
    submissions: tuple[Submission, ...] = ()
    """The job's Ray jobs that the cluster knows."""
    progress: ProgressReport | None = None
    """The newest report of the running driver."""
    unknown_fields: tuple[str, ...] = ()
    """What the manifest says that the operator does not understand; its faults, for people."""
    held_by: tuple[str, ...] | None = None
    """The finalizers that keep a job that is being deleted; None where it is not."""
    stop_requested: bool = False
    """Whether whoever runs the job wants it to stop after a checkpoint: Ctrl-C on a laptop."""
    created: datetime | None = None
    """When the job was created; None where that is when its first pass is made."""
    paid: tuple[PaidPod, ...] | None = None
    """What the job pays for, and has paid for; None where no prices are known."""
    expected_usd_per_hour: Decimal | None = None
    """Price of the trainers' cluster before it exists; None where it is unknown."""

    def cluster(self, name: str | None) -> Cluster | None:
        """The Ray cluster of this name."""
        return next((c for c in self.clusters if c.name == name), None)

    def submission(self, submission_id: str) -> Submission | None:
        """The Ray job of this id."""
        return next((s for s in self.submissions if s.submission_id == submission_id), None)
