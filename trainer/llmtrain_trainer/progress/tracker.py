"""The newest progress report of a driver, shared between threads."""

import threading
import time
from collections.abc import Callable
from typing import TypedDict, Unpack

from llmtrain_api.progress import ProgressReport
from llmtrain_api.run_config import RunConfig


class ProgressChanges(TypedDict, total=False):
    """Fields of a progress report that a stage sets."""

    percent: float
    activity: str
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


class ProgressTracker:
    """Holds the newest report; every update is a heartbeat.

    Args:
        config: whose stage and attempt the report names.
        clock: Unix time in seconds.
    """

    def __init__(self, config: RunConfig, clock: Callable[[], float] = time.time) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self._report = ProgressReport(
            job_uid=config.job_uid,
            stage=config.stage,
            attempt=config.attempt,
            percent=0,
            activity="starting",
            heartbeat=clock(),
        )

    @property
    def report(self) -> ProgressReport:
        """The newest report."""
        return self._report

    def update(self, **changes: Unpack[ProgressChanges]) -> None:
        """Set fields and move the heartbeat; fields that are not named stay as they are."""
        with self._lock:
            newest = {**changes, "heartbeat": self._clock()}
            values = self._report.model_dump(by_alias=False) | newest
            self._report = ProgressReport.model_validate(values)
