"""Where rank 0 keeps what it measures: the step log, and the trackers of the manifest."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from llmtrain_api.step_record import StepRecord
from llmtrain_trainer.stage import StageContext
from llmtrain_trainer.tracking.background import BackgroundTracker
from llmtrain_trainer.tracking.trackers import open_trackers, point_of
from llmtrain_trainer.training.step_log import StepLog


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
        context: of the attempt.
        resumed_step: the step that training goes on from.
    """
    with (
        StepLog(path, resumed_step) as steps,
        open_trackers(context.config, context.progress, resumed_step) as trackers,
    ):
        yield MetricLog(steps, trackers)
