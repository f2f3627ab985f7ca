"""What is there now, as far as an executor can see."""

from dataclasses import dataclass
from enum import StrEnum

from llmtrain_api.exit_codes import Outcome
from llmtrain_api.progress import ProgressReport


class SubmissionState(StrEnum):
    """Where a Ray job stands."""

    PENDING = "Pending"
    RUNNING = "Running"
    SUCCEEDED = "Succeeded"
    FAILED = "Failed"
    STOPPED = "Stopped"

    @property
    def ended(self) -> bool:
        """Whether nothing of it runs any more."""
        return self not in {SubmissionState.PENDING, SubmissionState.RUNNING}


@dataclass(frozen=True)
class Submission:
    """One Ray job: the attempt of a stage."""

    submission_id: str
    state: SubmissionState
    exit_code: int | None = None
    """The driver's; None while it runs, or where Ray never saw it end."""
    outcome: Outcome | None = None
    """The last line of its log; None where there is none."""


@dataclass(frozen=True)
class Snapshot:
    """All that a decision rests on, beside the job and its status.

    It is taken after the last pass has written its status. What cannot be seen is not absent: an
    executor that cannot reach the cluster makes no pass, for a missing submission counts as lost.
    """

    cluster_ready: bool
    """Whether the Ray cluster that the job needs takes submissions."""
    submissions: tuple[Submission, ...] = ()
    """The job's Ray jobs that the cluster knows."""
    progress: ProgressReport | None = None
    """The newest report of the running driver."""
    stop_requested: bool = False
    """Whether whoever runs the job wants it to stop after a checkpoint: Ctrl-C on a laptop."""

    def submission(self, submission_id: str | None) -> Submission | None:
        """The Ray job of this id."""
        return next((s for s in self.submissions if s.submission_id == submission_id), None)
