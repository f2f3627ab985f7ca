"""What has gone wrong with jobs lately: a Ray that does not answer, an action that was refused.

It is lost with the process: the next one finds out anew.
"""

import time

from llmtrain_clients.http import UnreachableError
from llmtrain_clients.kubernetes_api import KubernetesError
from llmtrain_clients.ray_jobs import RayJobsError, RayRefusedError
from llmtrain_lifecycle.decision import Action, EnsureCluster, Stop, Submit
from llmtrain_lifecycle.snapshot import Obstacle, RayUnreachable
from llmtrain_operator.informer.work_queue import Key
from llmtrain_operator.runtime.executor import ClaimTakenError, NameTakenError


class TransientErrors:
    """Newest errors of each job that a later reconcile may overcome."""

    def __init__(self) -> None:
        self._silent_since: dict[Key, float] = {}
        self._refusals: dict[Key, Obstacle] = {}
        self._submitted: dict[Key, str] = {}

    def unreachable(self, key: Key, error: Exception) -> RayUnreachable:
        """Take note that a job's Ray did not answer."""
        now = time.monotonic()
        return RayUnreachable(now - self._silent_since.setdefault(key, now), str(error))

    def answered(self, key: Key) -> None:
        """A job's Ray did answer, or is not asked any more."""
        self._silent_since.pop(key, None)

    def refusal(self, key: Key) -> Obstacle | None:
        """What was said to the last try; None where nothing was in its way."""
        return self._refusals.get(key)

    def refused(self, key: Key, action: Action, error: Exception) -> bool:
        """Take note that an action failed; returns whether the job is to say so."""
        refusal = _refusal(action, error)
        if refusal is not None:
            self._refusals[key] = refusal
        return refusal is not None

    def accepted(self, key: Key) -> None:
        """All that a pass wanted was done."""
        self._refusals.pop(key, None)

    def submitted(self, key: Key, submission_id: str) -> None:
        """Ray took a submission."""
        self._submitted[key] = submission_id

    def unknown(self, key: Key, submission_id: str) -> None:
        """Take note that Ray does not know a submission."""
        if self._submitted.get(key) == submission_id:
            message = "Ray has taken the attempt, and does not know it"
            self._refusals.setdefault(key, Obstacle("SubmissionUnknown", message))

    def forget(self, key: Key) -> None:
        """There is no such job any more."""
        self.answered(key)
        self.accepted(key)
        self._submitted.pop(key, None)


def _refusal(action: Action, error: Exception) -> Obstacle | None:
    match action, error:
        case EnsureCluster(), ClaimTakenError():
            return Obstacle("ClaimTaken", str(error))
        case EnsureCluster(), NameTakenError():
            return Obstacle("NameTaken", f"{error}; delete or rename one of the two")
        case EnsureCluster(), KubernetesError() if error.is_refusal or error.is_server_fault:
            return Obstacle("ClusterRefused", f"the API server refuses its objects: {error}")
        case Submit(), RayRefusedError():
            return error.as_obstacle
        case Submit() | Stop(), RayJobsError() | UnreachableError():
            # It is tried again, while the hang limit counts.
            is_stop = isinstance(action, Stop)
            return Obstacle("StopRefused" if is_stop else "RayUnreachable", str(error))
        case _:
            return None
