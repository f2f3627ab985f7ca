"""Whether a job has run for longer than it may."""

from datetime import datetime

from llmtrain_api.status import JobStatus
from llmtrain_operator.core.timestamps import read_time


def exceeded(status: JobStatus, active_deadline_seconds: int | None, now: datetime) -> bool:
    """Whether the job has been active for longer than its deadline.

    The clock starts with the job, starts anew when it is resumed, and stands still while it is
    suspended.
    """
    if active_deadline_seconds is None or status.active_time is None:
        return False
    return (now - read_time(status.active_time)).total_seconds() > active_deadline_seconds
