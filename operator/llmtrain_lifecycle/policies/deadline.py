"""Whether a job has been active for longer than it may."""

from datetime import datetime

from llmtrain_api.status import JobStatus, Phase
from llmtrain_lifecycle.timestamps import read_time, write_time


def seconds_left(
    status: JobStatus, active_deadline_seconds: int | None, now: datetime
) -> float | None:
    """Seconds that the job may still be active; 0 or less where its time is up.

    The clock starts with the job, starts anew when it is resumed, and stands still while it is
    suspended or a queue holds its Ray cluster back.

    Returns:
        None where there is no deadline.
    """
    if active_deadline_seconds is None:
        return None
    if status.phase is Phase.SUSPENDED or status.active_time is None:
        return float(active_deadline_seconds)
    until = read_time(status.queued_since) if status.queued_since else now
    return active_deadline_seconds - (until - read_time(status.active_time)).total_seconds()


def with_active_time(status: JobStatus, now: datetime, *, queued: bool) -> JobStatus:
    """The status of a job that is not suspended, with the deadline's clock brought up to date.

    Args:
        status: as it was written last.
        now: the time.
        queued: whether a queue holds the job's Ray cluster back.
    """
    active, since = status.active_time, status.queued_since
    if status.phase is Phase.SUSPENDED or active is None:
        active, since = write_time(now), None
    if queued:
        since = since or write_time(now)
    elif since is not None:
        active = write_time(read_time(active) + (now - read_time(since)))
        since = None
    return status.model_copy(update={"active_time": active, "queued_since": since})
