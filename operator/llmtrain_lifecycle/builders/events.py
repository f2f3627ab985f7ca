"""Builds the Kubernetes Events of a job's transitions, which `kubectl describe` shows."""

from datetime import datetime

from llmtrain_api import names
from llmtrain_api.status import Condition, ConditionStatus, JobStatus, Phase
from llmtrain_lifecycle.builders.labels import Json
from llmtrain_lifecycle.conditions import WITHIN_BUDGET
from llmtrain_lifecycle.policies.budget import BudgetState
from llmtrain_lifecycle.status_text import write_time

_MESSAGE_MAX_LENGTH = 1024
_ALL_IS_WELL = {
    "Completed",
    "Deleting",
    "StageRunning",
    "Suspended",
    "Suspending",
    "WaitingForCluster",
    "Queued",
    "PodNotReady",
}


def events(
    namespace: str, name: str, uid: str, before: JobStatus, after: JobStatus, now: datetime
) -> tuple[Json, ...]:
    """The Events of a new status: one for a new reason of the job, one for its budget's.

    Args:
        namespace: namespace of the job.
        name: name of the job.
        uid: UID of the job.
        before: replaced status.
        after: new status.
        now: time of the reconcile.
    """
    job, recorded = _job(namespace, name, uid), []
    if transition := _new(_current(before), _current(after)):
        normal = transition.reason in _ALL_IS_WELL and after.phase is not Phase.FAILED
        recorded.append(_of(job, transition, now, normal=normal))
    known = _budget(before)
    if transition := _new(known, _budget(after)):
        normal = transition.reason == BudgetState.WITHIN
        if known is not None or not normal:  # no Event for a job that begins within its budget
            recorded.append(_of(job, transition, now, normal=normal))
    return tuple(recorded)


def not_understood(
    namespace: str, name: str, uid: str, version: str, message: str, now: datetime
) -> Json:
    """The Event of a stored status that this version does not understand.

    Args:
        namespace: namespace of the job.
        name: name of the job.
        uid: UID of the job.
        version: resourceVersion of the job; all Events of one version are the same.
        message: explanation for people.
        now: time of the reconcile.
    """
    job, reason = _job(namespace, name, uid), "StatusNotUnderstood"
    return _event(job, reason, message, version, now, normal=False)


def _job(namespace: str, name: str, uid: str) -> Json:
    return {
        "apiVersion": names.API_VERSION,
        "kind": names.KIND,
        "namespace": namespace,
        "name": name,
        "uid": uid,
    }


def _new(before: Condition | None, after: Condition | None) -> Condition | None:
    """The condition if its reason has changed."""
    if after is None or (before is not None and after.reason == before.reason):
        return None
    return after


def _of(job: Json, transition: Condition, now: datetime, *, normal: bool) -> Json:
    # Two reconciles that see the same transition name the same Event.
    of_time = f"{int(now.timestamp()):x}"
    return _event(job, transition.reason, transition.message, of_time, now, normal=normal)


def _event(
    job: Json, reason: str, message: str, version: str, now: datetime, *, normal: bool
) -> Json:
    time, label = write_time(now), f"{job['uid'][:8]}.{reason.lower()}.{version}"
    return {
        "apiVersion": "v1",
        "kind": "Event",
        "metadata": {
            "name": f"{job['name']}.{label}",
            "namespace": job["namespace"],
        },
        "involvedObject": job,
        "type": "Normal" if normal else "Warning",
        "reason": reason,
        "message": message[:_MESSAGE_MAX_LENGTH],
        "source": {"component": names.MANAGED_BY},
        "firstTimestamp": time,
        "lastTimestamp": time,
        "count": 1,
    }


def _current(status: JobStatus) -> Condition | None:
    """The true condition of a phase, or else the first condition, which gives the reason."""
    of_phases = [c for c in status.conditions if c.type != WITHIN_BUDGET]
    holds = (c for c in of_phases if c.status is ConditionStatus.TRUE)
    return next(holds, of_phases[0] if of_phases else None)


def _budget(status: JobStatus) -> Condition | None:
    return next((c for c in status.conditions if c.type == WITHIN_BUDGET), None)
