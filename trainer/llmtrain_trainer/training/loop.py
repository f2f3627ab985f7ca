"""The training loop. Every rank runs it; it knows neither Ray nor torchrun.

A step's batch, learning rate and random numbers are functions of its number alone, so a run that
was killed and resumed from a checkpoint makes the same steps as one that never was.
"""

import hashlib
import logging
import math
import time
from contextlib import nullcontext
from typing import NamedTuple

import torch

from llmtrain_api.records import StepRecord
from llmtrain_api.training_metrics import TrainingMetrics
from llmtrain_trainer.checkpoint.manifest import CheckpointState
from llmtrain_trainer.checkpoint.restore import (
    Restorable,
    find_restorable,
    needs_resharding,
    reshardable,
)
from llmtrain_trainer.errors import Interrupted, StageError
from llmtrain_trainer.stage import StageContext
from llmtrain_trainer.training.accumulation import accumulate
from llmtrain_trainer.training.checkpoints import Checkpoints
from llmtrain_trainer.training.compiling import CompileWatch
from llmtrain_trainer.training.engine import Engine
from llmtrain_trainer.training.feed import Feed, StepBatch
from llmtrain_trainer.training.layout import loss_scale
from llmtrain_trainer.training.measurements import Speedometer, Stopwatch, peak_memory_bytes
from llmtrain_trainer.training.mesh import Mesh, read
from llmtrain_trainer.training.metric_log import MetricLog, metric_log
from llmtrain_trainer.training.samples import seed_step
from llmtrain_trainer.training.schedule import learning_rate
from llmtrain_trainer.training.task import TrainingTask
from llmtrain_trainer.training.validation import StoppingState, validate

_log = logging.getLogger(__name__)


_BALANCE = "experts/balance"
"""Name of the term that balances experts, without its weight, among a step's scalars."""


class _Agreed(NamedTuple):
    """What all ranks know of a step before its optimizer step."""

    loss: float
    """Mean over all labels, in nats."""
    stop: bool
    due: bool
    """Whether a checkpoint is due after this step."""
    scalars: dict[str, float] | None


def train(task: TrainingTask, context: StageContext) -> None:
    """Train to the end and save the model, from the newest checkpoint on. Collective.

    Raises:
        Interrupted: a stop was requested, and a checkpoint was committed.
        StageError: the loss is not finite, or a checkpoint could not be written.
    """
    mesh = Mesh.join(task.settings.batch.parallel)
    context.progress.update(activity="looking for a checkpoint")
    context.progress.log(TrainingMetrics(total_steps=task.settings.total_steps))
    found = find_restorable(task.checkpoints, task.fingerprint, mesh.all)
    Trainer(task, context, mesh, found).run()


class Trainer:
    """One rank's side of a training stage.

    Args:
        task: what to train.
        context: context of the attempt.
        mesh: the ranks of the stage.
        found: the checkpoint to resume from; None starts from the beginning.
    """

    def __init__(
        self, task: TrainingTask, context: StageContext, mesh: Mesh, found: Restorable | None
    ) -> None:
        self._task, self._settings, self._mesh = task, task.settings, mesh
        self._context, self._progress, self._stop = context, context.progress, context.stop
        self._watch = Stopwatch()
        self._checkpoints = Checkpoints(task, mesh, context.progress, self._watch)
        self._compiled = CompileWatch()
        self._stopping = StoppingState()
        self._step = 0
        self._last: tuple[StepRecord, torch.Tensor] | None = None
        """The last step and its gradient norm, on the device: not yet logged."""
        self._records: MetricLog | None = None
        context.progress.update(activity="building the model")
        moved = found is not None and needs_resharding(found, mesh.dims)
        self._engine = Engine(task, mesh, from_universal=moved)
        if found is not None:
            self._resume(found)

    def run(self) -> None:
        """Train to the end and save the model."""
        tokens_per_step = self._settings.batch.sequences * self._settings.training.sequence_length
        speed = Speedometer(
            tokens_per_step,
            flops_per_token=self._task.flops_per_token,
            num_ranks=self._mesh.dims.ranks,
            cpus=torch.get_num_threads(),
            precision=self._settings.training.precision,
        )
        self._engine.model.train()
        self._watch.switch_to("other")
        first = self._mesh.rank == 0
        log = metric_log(self._task.metrics, self._context, self._step) if first else nullcontext()
        feed = Feed(
            self._task.samples,
            self._task.order,
            self._settings.batch,
            self._mesh,
            total_steps=self._settings.total_steps,
        )
        with feed, log as self._records, self._checkpoints:
            while not self._finished():
                stop, due = self._train_step(feed, speed)
                self._checkpoints.report()
                if self._validation_due():
                    self._publish()
                    self._validate()
                if due or stop or self._finished():
                    self._save()
                if stop and not self._finished():
                    self._checkpoints.finish()
                    raise Interrupted(f"stopped after the checkpoint of step {self._step}")
            self._checkpoints.finish()
        self._save_model()
        self._engine.close()

    def _finished(self) -> bool:
        rule = self._settings.early_stopping
        exhausted = rule is not None and self._stopping.exhausted(rule)
        return exhausted or self._step >= self._settings.total_steps

    def _resume(self, found: Restorable) -> None:
        state = found.manifest.state
        mesh = self._mesh
        self._progress.update(activity=f"restoring the checkpoint of step {state.step}")
        with self._watch.measure("restore"), reshardable(found, mesh.dims, mesh.all) as folder:
            self._engine.load(folder)
        self._step = state.step
        if state.best_validation_loss is not None:
            self._stopping = StoppingState(state.best_validation_loss, state.failed_validations)
        committed = TrainingMetrics(
            checkpoint_step=state.step, checkpoint_time=found.committed_time
        )
        self._progress.log(committed)
        if self._mesh.rank == 0:
            _log.info("resumed from %s", found.folder)

    def _train_step(self, feed: Feed, speed: Speedometer) -> tuple[bool, bool]:
        """One optimizer step.

        The host waits for the device once, in `_agree`. So the gradient norm of a step is known
        when the next one agrees on its loss, or when something else needs the step to be over.

        Returns:
            Whether to stop, and whether a checkpoint is due: the same on all ranks.
        """
        started = time.perf_counter()
        between = self._watch.switch_to("productive")
        rate = learning_rate(
            self._settings.training.optimizer, self._step, self._settings.total_steps
        )
        with self._watch.measure("data_wait"):
            batch = feed.at(self._step)
        nats = self._accumulate(batch)
        agreed = self._agree(nats, batch.num_labels)
        loss, stop, due = agreed.loss, agreed.stop, agreed.due
        norm = self._engine.step(rate)
        self._step += 1
        self._compiled.after_step()
        seconds = time.perf_counter() - started
        self._watch.switch_to(between)
        speed.add_step(seconds)
        record = StepRecord(
            step=self._step,
            loss=loss,
            learning_rate=rate,
            samples=hashlib.sha256(batch.numbers.tobytes()).hexdigest()[:16],
            source_tokens=self._source_tokens(),
            seconds=round(seconds, 6),
            tokens=self._step * speed.tokens_per_step,
            tokens_per_second=speed.tokens_per_second,
            mfu=speed.mfu,
            memory_bytes=peak_memory_bytes(),
            micro_batch_size=self._settings.batch.micro_batch_size,
            eta_seconds=(self._settings.total_steps - self._step) * speed.seconds_per_step,
            scalars=agreed.scalars,
        )
        self._last = (record, norm)
        self._progress.update(
            activity="training",
            percent=99.0 * self._step / self._settings.total_steps,
            work=self._watch.work,
        )
        return stop, due

    def _source_tokens(self) -> tuple[int, ...] | None:
        """Tokens of each source in the steps that are done, where sources are mixed by weights."""
        if self._task.mixture is None:
            return None
        counts = self._task.mixture.counts(self._step * self._settings.batch.sequences)
        return tuple(count * self._settings.training.sequence_length for count in counts)

    def _accumulate(self, batch: StepBatch) -> torch.Tensor:
        """Forward and backward over this rank's share of a batch.

        Returns:
            This rank's summed loss in nats; a float64 scalar on the device.
        """
        seed_step(self._settings.seed, self._step, self._mesh.random_stream)
        return accumulate(
            self._engine,
            batch.micro_batches,
            scale=loss_scale(self._settings.batch, batch.num_labels),
            label_smoothing=self._settings.label_smoothing,
        )

    def _agree(self, nats: torch.Tensor, num_labels: int) -> _Agreed:
        """Sum the loss over ranks and spread rank 0's decisions, before the optimizer step."""
        first = self._mesh.rank == 0
        due_now = first and self._checkpoints.is_due(self._step + 1)
        mine = [0.0, float(first and self._stop.is_set()), float(due_now), 0.0]
        votes = torch.tensor(mine, dtype=torch.float64).to(nats.device, non_blocking=True)
        if self._mesh.counts_loss:
            votes[0] = nats
            if self._engine.balance is not None:
                votes[3] = self._engine.balance.take_seen()
        votes = self._mesh.all.sum(votes)
        norm = nats.new_zeros(()) if self._last is None else self._last[1].to(nats)
        total, stop, due, balance, last_norm = read(torch.cat([votes, norm.reshape(1)]))
        self._publish(last_norm)
        loss = total / max(num_labels, 1)
        if not math.isfinite(loss):
            raise _not_finite("the loss", self._step + 1, loss)
        scalars = {_BALANCE: balance / max(num_labels, 1)} if self._engine.balance else None
        return _Agreed(loss, stop > 0, due > 0, scalars)

    def _publish(self, norm: float | None = None) -> None:
        """Log the last step, which is over.

        Args:
            norm: the gradient norm of that step; None to ask the device.

        Raises:
            StageError: the norm is not finite.
        """
        if self._last is None:
            return
        record, on_device = self._last
        self._last = None
        norm = float(on_device) if norm is None else norm
        if not math.isfinite(norm):
            raise _not_finite("the gradient", record.step, norm)
        clip = self._settings.training.optimizer.clip
        self._log(record.replace(gradient_norm=norm, clip_factor=_clip_factor(norm, clip)))

    def _validation_due(self) -> bool:
        every = self._settings.validate_every_steps
        at_end = self._step == self._settings.total_steps
        return at_end or (every is not None and self._step % every == 0)

    def _validate(self) -> None:
        self._progress.update(activity="validating")
        with self._watch.measure("evaluation"):
            result = validate(
                self._engine,
                self._task.validation,
                self._mesh,
                micro_batch_size=self._settings.batch.micro_batch_size,
                bytes_per_label=self._task.validation_bytes_per_label,
            )
        if self._settings.early_stopping is not None:
            self._stopping = self._stopping.after(result.loss, self._settings.early_stopping)
        self._log(
            StepRecord(
                step=self._step,
                validation_loss=result.loss,
                validation_bits_per_byte=result.bits_per_byte,
            )
        )

    def _save(self) -> None:
        self._publish()
        best = self._stopping.best
        state = CheckpointState(
            step=self._step,
            best_validation_loss=best if math.isfinite(best) else None,
            failed_validations=self._stopping.failures,
        )
        self._checkpoints.save(state, self._engine.snapshot, self._records)

    def _log(self, record: StepRecord) -> None:
        """Take what was measured: the one door to step log, progress report and trackers."""
        if self._records is not None:
            self._records.write(record)
        self._progress.log(record)

    def _save_model(self) -> None:
        self._progress.update(activity="saving the model", percent=99.0)
        with self._watch.measure("checkpoint_save"):
            weights = self._engine.full_weights()
            if self._mesh.rank == 0:
                self._task.save_model(weights)
            self._mesh.all.barrier()
        self._progress.update(work=self._watch.work)


def _clip_factor(norm: float, clip: float) -> float:
    """Factor by which DeepSpeed scales a gradient of this norm; a clip of 0 clips nothing."""
    return min(1.0, clip / (norm + 1e-6)) if clip else 1.0


def _not_finite(what: str, step: int, value: float) -> StageError:
    return StageError(
        f"{what} is {value} at step {step}; nothing of that step was kept. "
        "Lower optimizer.learningRate, or look at the data of that step",
        reason="LossNotFinite",
    )
