"""Remembers recent errors of jobs: a Ray that does not answer, a refused action.

They are lost with the process, and the next process finds them again.
"""

import time

from llmtrain_api.upgrade.spec import TrainerTooOldError
from llmtrain_clients.http import UnreachableError
from llmtrain_clients.kubernetes_errors import KubernetesError
from llmtrain_clients.ray_jobs import RayJobsError, RayRefusedError
from llmtrain_lifecycle.decision import Action, EnsureCluster, Stop, Submit
from llmtrain_lifecycle.snapshot import Obstacle, RayUnreachable
from llmtrain_operator.informer.work_queue import Key
from llmtrain_operator.runtime.executor import NameTakenError


class TransientErrors:
    """Newest errors of each job that a later reconcile may overcome."""

    def __init__(self) -> None:
        self._silent_since: dict[Key, float] = {}
        self._refusals: dict[Key, Obstacle] = {}
        self._submitted: dict[Key, str] = {}

    def unreachable(self, key: Key, error: Exception) -> RayUnreachable:
        """Record that a job's Ray did not answer."""
        now = time.monotonic()
        return RayUnreachable(now - self._silent_since.setdefault(key, now), str(error))

    def answered(self, key: Key) -> None:
        """Record that a job's Ray answered, or is not asked any more."""
        self._silent_since.pop(key, None)

    def refusal(self, key: Key) -> Obstacle | None:
        """The obstacle of the last try; None if there was none."""
        return self._refusals.get(key)

    def refused(self, key: Key, action: Action, error: Exception) -> bool:
        """Record a failed action; returns whether the job's status should show it."""
        refusal = _refusal(action, error)
        if refusal is not None:
            self._refusals[key] = refusal
        return refusal is not None

    def accepted(self, key: Key) -> None:
        """Record that all actions of a reconcile succeeded."""
        self._refusals.pop(key, None)

    def submitted(self, key: Key, submission_id: str) -> None:
        """Record that Ray accepted a submission."""
        self._submitted[key] = submission_id

    def unknown(self, key: Key, submission_id: str) -> None:
        """Record that Ray does not know a submission."""
        if self._submitted.get(key) == submission_id:
            message = "Ray has taken the attempt, and does not know it"
            self._refusals.setdefault(key, Obstacle("SubmissionUnknown", message))

    def forget(self, key: Key) -> None:
        """Forget a deleted job."""
        self.answered(key)
        self.accepted(key)
        self._submitted.pop(key, None)


def _refusal(action: Action, error: Exception) -> Obstacle | None:
    match action, error:
        case EnsureCluster(), NameTakenError():
            return Obstacle(error.reason, str(error))
        case EnsureCluster(), KubernetesError() if error.is_refusal or error.is_server_fault:
            return Obstacle("ClusterRefused", f"the API server refuses its objects: {error}")
        case Submit(), TrainerTooOldError():
            return Obstacle("TrainerTooOld", str(error), is_final=True)
        case Submit(), RayRefusedError():
            return error.as_obstacle
        case Submit() | Stop(), RayJobsError() | UnreachableError():
            # It is retried while the hang timeout runs.
            is_stop = isinstance(action, Stop)
            return Obstacle("StopRefused" if is_stop else "RayUnreachable", str(error))
        case _:
            return None
