"""The checkpoints of an attempt: when one is due, and what is reported of it."""

import logging
import time
from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path

from llmtrain_api.training_metrics import TrainingMetrics
from llmtrain_trainer.checkpoint.beside import Commit, CommitThread
from llmtrain_trainer.checkpoint.commit import CheckpointWriter
from llmtrain_trainer.checkpoint.interval import SHORTEST_SECONDS, automatic_interval
from llmtrain_trainer.checkpoint.manifest import CheckpointState, Manifest
from llmtrain_trainer.errors import StageError
from llmtrain_trainer.progress.reporter import Reporter
from llmtrain_trainer.training.measurements import Stopwatch
from llmtrain_trainer.training.mesh import Mesh, Ranks
from llmtrain_trainer.training.metric_log import MetricLog
from llmtrain_trainer.training.snapshot import Snapshot
from llmtrain_trainer.training.task import TrainingTask

_log = logging.getLogger(__name__)


class Checkpoints(AbstractContextManager["Checkpoints"]):
    """Saves the state of training while training goes on. Collective, but for `is_due`.

    Training waits for a snapshot of the state alone. A thread writes and commits it; its messages
    have a process group of their own, so that they never meet those of training. From its
    construction on, only this attempt may commit.

    Args:
        task: what is trained.
        mesh: the ranks.
        progress: takes what was committed.
        watch: counts the seconds in which training waits.
    """

    def __init__(
        self, task: TrainingTask, mesh: Mesh, progress: Reporter, watch: Stopwatch
    ) -> None:
        self._rule = task.settings.training.checkpoint
        self._progress, self._watch = progress, watch
        self._group = Ranks.beside()
        template = Manifest(
            stage=task.stage,
            attempt=task.attempt,
            parallel=mesh.dims,
            fingerprint=task.fingerprint,
            state=CheckpointState(step=0),
            files={},
        )
        writer = CheckpointWriter(task.checkpoints, template, self._group, keep=self._rule.keep)
        writer.claim()
        self._thread = CommitThread(writer)
        self._failures = task.settings.mean_seconds_between_failures
        self._every_seconds: float = self._rule.every_seconds or SHORTEST_SECONDS
        self._saved_at = time.monotonic()
        self._stall_seconds = 0.0
        """Seconds that training waited for the newest checkpoint."""
        self._saved_work = 0.0
        """Seconds of work that the newest snapshot holds."""

    def __exit__(self, *_: object) -> None:
        """Wait for the commit in flight. An error of it is logged: another one is on its way."""
        with self._thread:
            try:
                self.finish()
            except (OSError, RuntimeError, StageError):
                _log.exception("the last checkpoint was not committed")
        self._group.close()

    def is_due(self, step: int) -> bool:
        """Whether the state after `step` optimizer steps is to be saved."""
        if self._rule.every_steps is not None and step % self._rule.every_steps == 0:
            return True
        elapsed = time.monotonic() - self._saved_at
        return elapsed >= self._every_seconds and not self._thread.in_flight

    def save(
        self,
        state: CheckpointState,
        snapshot: Callable[[], Snapshot],
        records: MetricLog | None,
    ) -> None:
        """Begin a checkpoint, after the one before; training goes on as soon as it is copied.

        Args:
            state: training state for the manifest.
            snapshot: takes this rank's part of the state.
            records: made durable before the commit.

        Raises:
            UserError: the disk was full for the checkpoint before.
            StageError: a later attempt has taken over.
        """
        self._progress.update(activity="writing a checkpoint")
        self.finish()
        started = time.monotonic()
        with self._watch.measure("checkpoint_save"):
            taken = snapshot()

            def write(folder: Path) -> None:
                if records is not None:
                    records.sync()
                taken.write(folder)

            self._saved_at, self._saved_work = started, self._watch.productive_seconds
            self._thread.start(state, write)
            commit = None if taken.is_copy else self._thread.wait()
        self._stall_seconds = time.monotonic() - started
        self._report(commit)
        self._progress.update(activity="training", work=self._watch.work)

    def report(self) -> None:
        """Report the checkpoint in flight, if it is committed by now.

        Raises:
            UserError: the disk is full.
            StageError: a later attempt has taken over.
        """
        self._report(self._thread.poll())

    def finish(self) -> None:
        """Wait until the checkpoint in flight is committed, and report it.

        Raises:
            UserError: the disk is full.
            StageError: a later attempt has taken over.
        """
        with self._watch.measure("checkpoint_save"):
            commit = self._thread.wait()
        self._report(commit)

    def _report(self, commit: Commit | None) -> None:
        if commit is None:
            return
        self._watch.commit(self._saved_work)
        if self._rule.every_seconds is None:
            self._every_seconds = automatic_interval(
                stall_seconds=self._stall_seconds,
                save_seconds=self._stall_seconds + commit.seconds,
                mean_seconds_between_failures=self._failures,
            )
        self._progress.log(
            TrainingMetrics(checkpoint_step=commit.step, checkpoint_time=commit.time)
        )
        self._progress.update(work=self._watch.work)
