"""The newest progress report of a driver, shared between threads."""

import threading
import time
from collections.abc import Callable
from typing import TypedDict, Unpack

from llmtrain_api.goodput import WorkSeconds
from llmtrain_api.progress import ProgressReport, joined_warnings
from llmtrain_api.run_config import RunConfig
from llmtrain_api.stages import Stage

_TRAINING = {Stage.PRETRAIN, Stage.FINETUNE}


class ProgressChanges(TypedDict, total=False):
    """Fields of a progress report that a stage sets."""

    percent: float
    activity: str
    warnings: tuple[str, ...]
    """They are added to those before."""
    step: int | None
    total_steps: int | None
    tokens: int | None
    loss: float | None
    validation_loss: float | None
    validation_bits_per_byte: float | None
    tokens_per_second: float | None
    mfu: float | None
    eta_seconds: float | None
    checkpoint_step: int | None
    checkpoint_time: float | None
    gradient_norm: float | None
    learning_rate: float | None
    memory_bytes: int | None
    work: WorkSeconds


class ProgressTracker:
    """Holds the newest report; every update is a heartbeat.

    Ranks tell by themselves what they do with their time, and all before that is start-up. A stage
    that does not train works from the first percent on.

    Args:
        config: whose stage and attempt the report names.
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
        return report.stage not in _TRAINING or report.step is not None

    @property
    def report(self) -> ProgressReport:
        """The newest report."""
        report = self._report
        return report.model_copy(update={"work": self._work(report), "time": self._clock()})

    def _work(self, report: ProgressReport) -> WorkSeconds:
        if self._before_ranks is not None:
            told = report.work
            return told.model_copy(update={"start_up": told.start_up + self._before_ranks})
        now = self._clock()
        if self._worked_from is None or report.stage in _TRAINING:
            return WorkSeconds(start_up=max(now - self._started, 0))
        worked = max(now - self._worked_from, 0)
        start_up = max(self._worked_from - self._started, 0)
        return WorkSeconds(start_up=start_up, productive=worked, uncommitted=worked)

    def update(self, **changes: Unpack[ProgressChanges]) -> None:
        """Set fields and move the heartbeat; fields that are not named stay as they are."""
        with self._lock:
            now = self._clock()
            if self._worked_from is None and changes.get("percent"):
                self._worked_from = now
            newest = {**changes, "heartbeat": now}
            if "warnings" in changes:
                newest["warnings"] = joined_warnings(self._report.warnings, changes["warnings"])
            values = self._report.model_dump(by_alias=False) | newest
            self._report = ProgressReport.model_validate(values)
            if self._before_ranks is None and "work" in changes:
                self._before_ranks = max(now - self._started - self._report.work.total, 0)
