"""Whether an attempt has stopped making progress."""

from datetime import datetime

from llmtrain_api.progress import ProgressReport
from llmtrain_api.status import Progress, StageStatus
from llmtrain_lifecycle.timestamps import read_time


def silent_seconds(
    stage: StageStatus,
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
        uid: of the job.
        report: the driver's newest; None where none could be read.
        known: what the status tells, to half a minute.
        now: the time.
    """
    newest = read_time(stage.attempt_time).timestamp() if stage.attempt_time else now.timestamp()
    if known is not None and known.stage is stage.name and known.heartbeat_time is not None:
        newest = max(newest, read_time(known.heartbeat_time).timestamp())
    if report is not None and report.is_of(uid, stage.name, stage.attempt):
        newest = max(newest, report.heartbeat)
    return now.timestamp() - newest
