"""Whether a job has run for longer than it may."""

from datetime import datetime

from llmtrain_api.status import JobStatus, Phase
from llmtrain_operator.core.timestamps import read_time


def seconds_left(
    status: JobStatus, active_deadline_seconds: int | None, now: datetime
) -> float | None:
    """Seconds that the job may still be active; 0 or less where its time is up.

    The clock starts with the job, starts anew when it is resumed, and stands still while it is
    suspended.

    Returns:
        None where there is no deadline.
    """
    if active_deadline_seconds is None:
        return None
    if status.phase is Phase.SUSPENDED or status.active_time is None:
        return float(active_deadline_seconds)
    return active_deadline_seconds - (now - read_time(status.active_time)).total_seconds()
