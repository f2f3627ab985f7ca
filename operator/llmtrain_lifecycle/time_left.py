"""How long a job still takes: from what it did so far, and has kept."""

from datetime import datetime

from llmtrain_api.goodput import Goodput, Interval, Seconds, WorkSeconds
from llmtrain_api.stages import Stage
from llmtrain_api.status import JobStatus, StageState
from llmtrain_lifecycle.goodput import current_interval
from llmtrain_lifecycle.status_text import read_time

_START_SECONDS = 20.0
"""Assumed start-up of a stage, until one has shown how long that takes here."""
_TOLD_ENOUGH_PERCENT = 5.0


def remaining_seconds(status: JobStatus, now: datetime) -> dict[Stage, float | None]:
    """Until the end of each stage that is still to be done; None where that cannot be known yet.

    An attempt at work tells by itself, in training with its pauses for validation and checkpoints.
    Training that is still to come, or to go on, takes its FLOPs at the speed that was measured, or
    as planned before one was. Every other stage takes as long as stages take here to start.

    Args:
        status: with its plan, progress and goodput.
        now: the time.
    """
    return {
        stage.name: _seconds_left(status, stage.name, now)
        for stage in status.stages
        if stage.state is not StageState.SUCCEEDED
    }


def with_eta(status: JobStatus, now: datetime) -> JobStatus:
    """The status with the time to the end of its line; without one while it does not run."""
    if status.progress is None:
        return status
    eta = None
    if status.phase.active:
        left = remaining_seconds(status, now).values()
        known = [seconds for seconds in left if seconds is not None]
        eta = round(sum(known)) if known and len(known) == len(left) else None
    progress = status.progress.replace(pipeline_eta_seconds=eta)
    return status.replace(progress=progress)


def _seconds_left(status: JobStatus, stage: Stage, now: datetime) -> float | None:
    told = _told_by_its_attempt(status, stage, now)
    if told is not None:
        return told
    start = _start_seconds(status.goodput)
    if not stage.optimizes:
        return start
    whole = _whole_seconds(status, stage)
    return None if whole is None else start + whole * (1 - _kept(status, stage, whole))


def _told_by_its_attempt(status: JobStatus, stage: Stage, now: datetime) -> float | None:
    """None where no attempt is at work, or it has not told enough yet."""
    progress, interval = status.progress, current_interval(status.goodput)
    if progress is None or interval is None or interval.work is None:
        return None
    if interval.stage is not stage or progress.stage is not stage:
        return None
    if progress.eta_seconds is not None:
        return progress.eta_seconds * _pauses(status.goodput, stage)
    if stage.optimizes or progress.stage_percent < _TOLD_ENOUGH_PERCENT:
        return None
    elapsed = (now - read_time(interval.start)).total_seconds()
    return elapsed * (100 - progress.stage_percent) / progress.stage_percent


def _whole_seconds(status: JobStatus, stage: Stage) -> float | None:
    """Seconds of all steps of a stage; None where they cannot be known yet."""
    planned = status.plan.stage(stage) if status.plan else None
    if status.plan is None or planned is None:
        return None
    if planned.tokens is None or not status.plan.flops_per_second:
        return planned.duration_seconds
    flops = planned.tokens * planned.flops_per_token
    return flops / status.plan.flops_per_second * _pauses(status.goodput, stage)


def _kept(status: JobStatus, stage: Stage, whole: float) -> float:
    """The share of a stage's steps that need not be made again.

    Its newest checkpoint tells, or how much of what was done has been lost since: the last words
    of an attempt that was told to stop come after its last report.
    """
    progress = status.progress
    if progress is None or progress.stage is not stage:
        return 0.0
    lost = _lost_seconds(status.goodput, stage) / whole if whole else 0.0
    done = progress.stage_percent / 100 - lost
    committed = (progress.checkpoint_step or 0) / (progress.total_steps or 1)
    return min(max(done, committed, 0.0), 1.0)


def _lost_seconds(goodput: Goodput | None, stage: Stage) -> float:
    """What the newest attempts did in vain, back to one of which something was kept."""
    lost = 0.0
    for interval in _newest_first(goodput, stage):
        if interval.seconds is not None:
            lost += interval.seconds.lost_work
            if interval.seconds.productive:
                break
    return lost


def _pauses(goodput: Goodput | None, stage: Stage) -> float:
    """How much longer than its steps a training stage takes."""
    for interval in _newest_first(goodput, stage):
        told = interval.seconds or interval.work
        if told is not None and told.productive:
            steps, pauses = _steps_and_pauses(told)
            return (steps + pauses) / steps
    return 1.0


def _steps_and_pauses(told: Seconds | WorkSeconds) -> tuple[float, float]:
    """Steps and pauses of an attempt. Once it has ended, `other` also holds what came last."""
    steps, pauses = told.productive + told.data_wait, told.evaluation + told.checkpoint_save
    if isinstance(told, WorkSeconds):
        return steps, pauses + told.other
    return steps + told.lost_work, pauses


def _newest_first(goodput: Goodput | None, stage: Stage) -> list[Interval]:
    intervals = goodput.intervals if goodput else ()
    return [interval for interval in reversed(intervals) if interval.stage is stage]


def _start_seconds(goodput: Goodput | None) -> float:
    """What a stage needs to start: as the newest one that did."""
    for interval in reversed(goodput.intervals if goodput else ()):
        told = interval.seconds or interval.work
        if told is not None and told.productive:
            return max(told.start_up, 1.0)
    return _START_SECONDS
