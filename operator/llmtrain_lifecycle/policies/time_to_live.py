"""How long a job that has ended stays."""

from datetime import datetime

from llmtrain_api.job import LLMTrainingJob
from llmtrain_api.status import JobStatus
from llmtrain_lifecycle.timestamps import read_time


def seconds_to_live(job: LLMTrainingJob, status: JobStatus, now: datetime) -> float | None:
    """Seconds until a job that has ended is deleted; 0 or less where it is time.

    Returns:
        None where it stays.
    """
    limit = job.spec.policy.ttl_seconds_after_finished
    if limit is None or status.completion_time is None:
        return None
    return limit - (now - read_time(status.completion_time)).total_seconds()
