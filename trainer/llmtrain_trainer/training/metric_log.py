"""Rank 0's record of measurements: the step log, and the manifest's trackers."""

import json
import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Self

from llmtrain_api.records import STEP_LOG_FIELDS, StepRecord
from llmtrain_trainer.files import create_text
from llmtrain_trainer.stage import StageContext
from llmtrain_trainer.tracking.background import BackgroundTracker
from llmtrain_trainer.tracking.trackers import open_trackers, point_of


class StepLog:
    """Appends records, from one rank; steps that a restart does again are dropped first.

    Args:
        path: the file.
        resumed_step: the step that training goes on from.
    """

    def __init__(self, path: Path, resumed_step: int) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        kept = [line for line in _lines(path) if json.loads(line)["step"] <= resumed_step]
        self._file = create_text(path)
        self._file.writelines(kept)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._file.close()

    def write(self, record: StepRecord) -> None:
        """Add a record; it is durable after the next `sync`."""
        line = record.model_dump_json(exclude_none=True, include=set(STEP_LOG_FIELDS))
        self._file.write(line + "\n")
        self._file.flush()

    def sync(self) -> None:
        """Make all records durable, before the checkpoint that they lead to."""
        os.fsync(self._file.fileno())


def _lines(path: Path) -> list[str]:
    """The whole lines of a file; a last one that was cut off is left out."""
    if not path.is_file():
        return []
    return [line for line in path.open(encoding="utf-8") if line.endswith("\n")]


class MetricLog:
    """Hands each record to the step log, and to trackers, which never make it wait.

    Args:
        steps: the step log.
        trackers: all others.
    """

    def __init__(self, steps: StepLog, trackers: Sequence[BackgroundTracker]) -> None:
        self._steps, self._trackers = steps, trackers

    def write(self, record: StepRecord) -> None:
        """Add a record; the step log's is durable after the next `sync`."""
        self._steps.write(record)
        if self._trackers:
            point = point_of(record)
            for tracker in self._trackers:
                tracker.add(point)

    def sync(self) -> None:
        """Make the step log durable, before the checkpoint that it leads to."""
        self._steps.sync()


@contextmanager
def metric_log(path: Path, context: StageContext, resumed_step: int) -> Iterator[MetricLog]:
    """The log of an attempt, while the context is open.

    Args:
        path: file of the step log.
        context: context of the attempt.
        resumed_step: the step that training goes on from.
    """
    with (
        StepLog(path, resumed_step) as steps,
        open_trackers(context.config, context.progress, resumed_step) as trackers,
    ):
        yield MetricLog(steps, trackers)
