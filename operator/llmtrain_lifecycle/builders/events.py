"""The Kubernetes Events that tell of turns in a job's life: `kubectl describe` shows them."""

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
    """The Events for a new status: one for a new reason of the job, one for its budget's.

    Args:
        namespace: of the job.
        name: of the job.
        uid: of the job.
        before: the status that was replaced.
        after: the new one.
        now: the time of the pass.
    """
    job = {
        "apiVersion": names.API_VERSION,
        "kind": names.KIND,
        "namespace": namespace,
        "name": name,
        "uid": uid,
    }
    told = []
    if turn := _new(_current(before), _current(after)):
        calm = turn.reason in _ALL_IS_WELL and after.phase is not Phase.FAILED
        told.append(_event(job, turn, now, calm=calm))
    known = _budget(before)
    if turn := _new(known, _budget(after)):
        calm = turn.reason == BudgetState.WITHIN
        if known is not None or not calm:  # a job may begin within its budget without a word
            told.append(_event(job, turn, now, calm=calm))
    return tuple(told)


def _new(before: Condition | None, after: Condition | None) -> Condition | None:
    """The condition where its reason is another one than before."""
    if after is None or (before is not None and after.reason == before.reason):
        return None
    return after


def _event(job: Json, turn: Condition, now: datetime, *, calm: bool) -> Json:
    time = write_time(now)
    label = f"{job['uid'][:8]}.{turn.reason.lower()}.{int(now.timestamp()):x}"
    return {
        "apiVersion": "v1",
        "kind": "Event",
        # Two passes that tell of the same turn name the same Event.
        "metadata": {
            "name": f"{job['name']}.{label}",
            "namespace": job["namespace"],
        },
        "involvedObject": job,
        "type": "Normal" if calm else "Warning",
        "reason": turn.reason,
        "message": turn.message[:_MESSAGE_MAX_LENGTH],
        "source": {"component": names.MANAGED_BY},
        "firstTimestamp": time,
        "lastTimestamp": time,
        "count": 1,
    }


def _current(status: JobStatus) -> Condition | None:
    """The condition that holds; where none does, the first, which gives the reason for it."""
    of_phases = [c for c in status.conditions if c.type != WITHIN_BUDGET]
    holds = (c for c in of_phases if c.status is ConditionStatus.TRUE)
    return next(holds, of_phases[0] if of_phases else None)


def _budget(status: JobStatus) -> Condition | None:
    return next((c for c in status.conditions if c.type == WITHIN_BUDGET), None)
