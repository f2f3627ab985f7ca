"""The newest progress report of a driver, shared between threads."""

import threading
import time
from collections.abc import Callable
from typing import Unpack

from llmtrain_api.goodput import WorkSeconds
from llmtrain_api.progress import ProgressReport
from llmtrain_api.run_config import RunConfig
from llmtrain_api.training_metrics import TrainingMetrics
from llmtrain_trainer.progress.reporter import (
    Changes,
    StageChanges,
    changes_of_metrics,
    changes_of_stage,
    merged,
)


class ProgressTracker:
    """Holds the newest report; every update is a heartbeat.

    Ranks report their own use of time, and all time before is start-up. A stage
    that does not train works from the first percent on.

    Args:
        config: run config with the report's stage and attempt.
        clock: Unix time in seconds.
        started: Unix time in seconds at which the driver began.
    """

    def __init__(
        self,
        config: RunConfig,
        clock: Callable[[], float] = time.time,
        started: float | None = None,
    ) -> None:
        self._clock = clock
        self.job_name = config.job_name
        self._started = clock() if started is None else started
        self._worked_from: float | None = None
        self._before_ranks: float | None = None
        self._lock = threading.Lock()
        self._report = ProgressReport(
            job_uid=config.job_uid,
            stage=config.stage,
            attempt=config.attempt,
            percent=0,
            activity="starting",
            heartbeat=clock(),
            start_time=self._started,
        )

    @property
    def has_begun(self) -> bool:
        """Whether a stop would break off work: of ranks, what they do from the first step on."""
        report = self._report
        return not report.stage.optimizes or report.step is not None

    @property
    def report(self) -> ProgressReport:
        """The newest report."""
        report = self._report
        return report.replace(work=self._work(report), time=self._clock())

    def _work(self, report: ProgressReport) -> WorkSeconds:
        if self._before_ranks is not None:
            reported = report.work
            return reported.replace(start_up=reported.start_up + self._before_ranks)
        now = self._clock()
        if self._worked_from is None or report.stage.optimizes:
            return WorkSeconds(start_up=max(now - self._started, 0))
        worked = max(now - self._worked_from, 0)
        start_up = max(self._worked_from - self._started, 0)
        return WorkSeconds(start_up=start_up, productive=worked, uncommitted=worked)

    def update(self, **changes: Unpack[StageChanges]) -> None:
        """Set fields and move the heartbeat; fields that are not named stay as they are."""
        self.take(changes_of_stage(changes))

    def log(self, measured: TrainingMetrics) -> None:
        """Take measurements and move the heartbeat; fields that were not set stay as they are."""
        self.take(changes_of_metrics(measured))

    def take(self, changes: Changes) -> None:
        """Take changes as a reporter sends them.

        Raises:
            pydantic.ValidationError: a field is unknown, or has a value that it cannot have.
        """
        with self._lock:
            now = self._clock()
            before = self._report.model_dump(by_alias=False)
            news = merged(before, changes) | {"heartbeat": now}
            self._report = ProgressReport.model_validate(news)
            if self._worked_from is None and changes.get("percent"):
                self._worked_from = now
            if self._before_ranks is None and "work" in changes:
                self._before_ranks = max(now - self._started - self._report.work.total, 0)
