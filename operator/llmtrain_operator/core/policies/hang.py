"""Whether an attempt has stopped making progress."""

from datetime import datetime

from llmtrain_api.progress import ProgressReport
from llmtrain_api.status import StageStatus
from llmtrain_operator.core.timestamps import read_time


def silent_seconds(
    stage: StageStatus, uid: str, progress: ProgressReport | None, now: datetime
) -> float:
    """Seconds since the newest sign of work of this attempt.

    A report of another attempt is no sign of this one; before the first, the attempt's own start
    counts.
    """
    newest = read_time(stage.attempt_time).timestamp() if stage.attempt_time else now.timestamp()
    if progress is not None and is_report_of(progress, stage, uid):
        newest = max(newest, progress.heartbeat)
    return now.timestamp() - newest


def is_report_of(progress: ProgressReport, stage: StageStatus, uid: str) -> bool:
    """Whether a report is about this attempt."""
    found = (progress.job_uid, progress.stage, progress.attempt)
    return found == (uid, stage.name, stage.attempt)
