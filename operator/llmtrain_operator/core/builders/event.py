"""The Kubernetes Event that tells of a turn in a job's life: `kubectl describe` shows it."""

from datetime import datetime

from llmtrain_api import names
from llmtrain_api.status import Condition, ConditionStatus, JobStatus, Phase
from llmtrain_operator.core.builders.labels import Json
from llmtrain_operator.core.timestamps import write_time

_MESSAGE_MAX_LENGTH = 1024
_ALL_IS_WELL = {
    "Completed",
    "StageRunning",
    "Suspended",
    "Suspending",
    "WaitingForCluster",
    "Queued",
}


def event(
    namespace: str, name: str, uid: str, before: JobStatus, after: JobStatus, now: datetime
) -> Json | None:
    """The Event for a new status; None where its reason is the last one's.

    Args:
        namespace: of the job.
        name: of the job.
        uid: of the job.
        before: the status that was replaced.
        after: the new one.
        now: the time of the pass.
    """
    turn, last = _current(after), _current(before)
    if turn is None or (last is not None and turn.reason == last.reason):
        return None
    calm = turn.reason in _ALL_IS_WELL and after.phase is not Phase.FAILED
    time = write_time(now)
    return {
        "apiVersion": "v1",
        "kind": "Event",
        # Two passes that tell of the same turn name the same Event.
        "metadata": {
            "name": f"{name}.{uid[:8]}.{turn.reason.lower()}.{int(now.timestamp()):x}",
            "namespace": namespace,
        },
        "involvedObject": {
            "apiVersion": names.API_VERSION,
            "kind": names.KIND,
            "namespace": namespace,
            "name": name,
            "uid": uid,
        },
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
    holds = (c for c in status.conditions if c.status is ConditionStatus.TRUE)
    return next(holds, status.conditions[0] if status.conditions else None)
