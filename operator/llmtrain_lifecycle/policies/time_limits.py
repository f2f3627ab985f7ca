"""How long a job may be active, an attempt be silent, and an ended job stay."""

from datetime import datetime

from llmtrain_api.job import LLMTrainingJob
from llmtrain_api.progress import ProgressReport
from llmtrain_api.stages import Stage
from llmtrain_api.status import Attempt, JobStatus, Phase, Progress
from llmtrain_lifecycle.status_text import read_time, write_time


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
    return status.replace(active_time=active, queued_since=since)


def silent_seconds(
    stage: Stage,
    attempt: Attempt,
    uid: str,
    report: ProgressReport | None,
    known: Progress | None,
    now: datetime,
) -> float:
    """Seconds since the newest sign of work of this attempt.

    A report of another attempt is no sign of this one; before the first, the attempt's own start
    counts. One that cannot be read does not undo what an earlier one told.

    Args:
        stage: at work.
        attempt: of the stage, at work.
        uid: of the job.
        report: the driver's newest; None where none could be read.
        known: what the status tells, to half a minute.
        now: the time.
    """
    newest = read_time(attempt.start_time).timestamp()
    if known is not None and known.stage is stage and known.heartbeat_time is not None:
        newest = max(newest, read_time(known.heartbeat_time).timestamp())
    if report is not None and report.is_of(uid, stage, attempt.number):
        newest = max(newest, report.heartbeat)
    return now.timestamp() - newest


def seconds_to_live(job: LLMTrainingJob, status: JobStatus, now: datetime) -> float | None:
    """Seconds until a job that has ended is deleted; 0 or less where it is time.

    Returns:
        None where it stays.
    """
    limit = job.spec.policy.ttl_seconds_after_finished
    if limit is None or status.completion_time is None:
        return None
    return limit - (now - read_time(status.completion_time)).total_seconds()
