"""Time limits: of an active job, of a silent attempt, and of an ended job."""

from datetime import datetime

from llmtrain_api.job import LLMTrainingJob
from llmtrain_api.progress import ProgressReport
from llmtrain_api.stages import Stage
from llmtrain_api.status import Attempt, JobStatus, Phase, Progress
from llmtrain_lifecycle.status_text import read_time, write_time


def seconds_left(
    status: JobStatus, active_deadline_seconds: int | None, now: datetime
) -> float | None:
    """Seconds until the deadline; 0 or less after it; None without a deadline.

    The clock starts with the job, restarts when it is resumed, and stops while the job is suspended
    or in a queue.
    """
    if active_deadline_seconds is None:
        return None
    if status.phase is Phase.SUSPENDED or status.active_time is None:
        return float(active_deadline_seconds)
    until = read_time(status.queued_since) if status.queued_since else now
    return active_deadline_seconds - (until - read_time(status.active_time)).total_seconds()


def with_active_time(status: JobStatus, now: datetime, *, queued: bool) -> JobStatus:
    """The status of an active job, with an updated start of the deadline's clock.

    Args:
        status: stored status.
        now: current time.
        queued: whether the job's Ray cluster waits in a queue.
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

    Reports of other attempts do not count; before the first report, the attempt's start counts. An
    unreadable report does not cancel earlier signs.

    Args:
        stage: the stage.
        attempt: the running attempt.
        uid: UID of the job.
        report: newest report of the driver; None if none could be read.
        known: progress in the status, with a heartbeat to half a minute.
        now: the time.
    """
    newest = read_time(attempt.start_time).timestamp()
    if known is not None and known.stage is stage and known.heartbeat_time is not None:
        newest = max(newest, read_time(known.heartbeat_time).timestamp())
    if report is not None and report.is_of(uid, stage, attempt.number):
        newest = max(newest, report.heartbeat)
    return now.timestamp() - newest


def seconds_to_live(job: LLMTrainingJob, status: JobStatus, now: datetime) -> float | None:
    """Seconds until an ended job is deleted; 0 or less when it is due; None if it stays."""
    limit = job.spec.policy.ttl_seconds_after_finished
    if limit is None or status.completion_time is None:
        return None
    return limit - (now - read_time(status.completion_time)).total_seconds()
