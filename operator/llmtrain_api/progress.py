"""The progress report of a driver."""

from collections.abc import Iterable
from itertools import islice
from typing import Annotated

from pydantic import Field, StringConstraints

from llmtrain_api.goodput import WorkSeconds
from llmtrain_api.stages import Stage
from llmtrain_api.training_metrics import Count, Metric, TrainingMetrics, UnixTime

WARNINGS_MAX_ITEMS = 16
WARNING_MAX_LENGTH = 500

Warnings = Annotated[
    tuple[Annotated[str, StringConstraints(max_length=WARNING_MAX_LENGTH)], ...],
    Field(max_length=WARNINGS_MAX_ITEMS),
]
"""Warnings for the user, one sentence each; the stage continues."""


def bounded_warnings(texts: Iterable[str]) -> tuple[str, ...]:
    """Warnings in one line each, as many and as long as a report may hold."""
    lines = (" ".join(text.split())[:WARNING_MAX_LENGTH] for text in texts)
    return tuple(islice(lines, WARNINGS_MAX_ITEMS))


def joined_warnings(first: Iterable[str], second: Iterable[str]) -> tuple[str, ...]:
    """Warnings of both, each once."""
    return bounded_warnings(dict.fromkeys((*first, *second)))


class ProgressReport(TrainingMetrics):
    """The newest state of one attempt, with its newest measurements."""

    job_uid: str
    stage: Stage
    attempt: Count
    percent: Annotated[float, Field(ge=0, le=100), Metric("progress_ratio", divisor=100)]
    """Share of the stage that is done."""
    activity: str
    """What the stage is doing, for people: `cleaning documents`, `training`, `validating`."""
    warnings: Warnings = ()
    heartbeat: Annotated[UnixTime, Metric("heartbeat_timestamp_seconds")]
    """Unix time, in seconds, of the newest sign of work (a step, a batch of documents)."""
    time: UnixTime | None = None
    """Unix time, in seconds, at which the report was read, by the clock of all its times."""
    start_time: UnixTime | None = None
    """Unix time, in seconds, at which the driver's process began."""
    work: WorkSeconds = WorkSeconds()
    """What the attempt has done with its time."""

    def is_of(self, job_uid: str, stage: Stage, attempt: int) -> bool:
        """Whether the report is about this attempt of a job."""
        return (self.job_uid, self.stage, self.attempt) == (job_uid, stage, attempt)

    def by_clock(self, now: float) -> "ProgressReport":
        """The report with its times by another clock; the two need not agree.

        Args:
            now: Unix time, in seconds, of that clock as the report is read.
        """
        by_its_own = self.heartbeat if self.time is None else max(self.time, self.heartbeat)
        # An older driver does not say what time it is: its sign of work may be old.
        offset = min(now - by_its_own, 0) if self.time is None else now - by_its_own

        def moved(time: float) -> float:
            return max(time + offset, 0.0)

        return self.replace(
            heartbeat=moved(self.heartbeat),
            time=moved(by_its_own),
            start_time=None if self.start_time is None else moved(self.start_time),
            checkpoint_time=None if self.checkpoint_time is None else moved(self.checkpoint_time),
        )
