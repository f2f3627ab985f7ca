"""Estimates the remaining time of a job from the work that it has done and kept."""

from datetime import datetime

from llmtrain_api.goodput import Goodput, Interval, Seconds, WorkSeconds
from llmtrain_api.stages import Stage
from llmtrain_api.status import JobStatus, StageState
from llmtrain_lifecycle.goodput import current_interval
from llmtrain_lifecycle.status_text import read_time

_START_SECONDS = 20.0
"""Assumed start-up time of a stage, until one has been measured."""
_RELIABLE_PERCENT = 5.0


def remaining_seconds(status: JobStatus, now: datetime) -> dict[Stage, float | None]:
    """Seconds until the end of each remaining stage; None if unknown.

    A running attempt reports its own time, to which pauses for validation and checkpoints are
    added. Other training takes its FLOPs at the measured speed, or at the planned one before a
    measurement. Every other stage takes as long as the start of a stage.

    Args:
        status: status with its plan, progress and goodput.
        now: current time.
    """
    return {
        stage.name: _seconds_left(status, stage.name, now)
        for stage in status.stages
        if stage.state is not StageState.SUCCEEDED
    }


def with_eta(status: JobStatus, now: datetime) -> JobStatus:
    """The status with the remaining time of a running pipeline."""
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
    reported = _reported_by_its_attempt(status, stage, now)
    if reported is not None:
        return reported
    start = _start_seconds(status.goodput)
    if not stage.optimizes:
        return start
    whole = _whole_seconds(status, stage)
    return None if whole is None else start + whole * (1 - _kept(status, stage, whole))


def _reported_by_its_attempt(status: JobStatus, stage: Stage, now: datetime) -> float | None:
    """Seconds by the running attempt's own report; None without an attempt or enough reports."""
    progress, interval = status.progress, current_interval(status.goodput)
    if progress is None or interval is None or interval.work is None:
        return None
    if interval.stage is not stage or progress.stage is not stage:
        return None
    if progress.eta_seconds is not None:
        return progress.eta_seconds * _pauses(status.goodput, stage)
    if stage.optimizes or progress.stage_percent < _RELIABLE_PERCENT:
        return None
    elapsed = (now - read_time(interval.start)).total_seconds()
    return elapsed * (100 - progress.stage_percent) / progress.stage_percent


def _whole_seconds(status: JobStatus, stage: Stage) -> float | None:
    """Seconds of all steps of a stage; None if unknown."""
    planned = status.plan.stage(stage) if status.plan else None
    if status.plan is None or planned is None:
        return None
    if planned.tokens is None or not status.plan.flops_per_second:
        return planned.duration_seconds
    flops = planned.tokens * planned.flops_per_token
    return flops / status.plan.flops_per_second * _pauses(status.goodput, stage)


def _kept(status: JobStatus, stage: Stage, whole: float) -> float:
    """The share of a stage's steps that need not be repeated.

    It follows from the newest checkpoint or from the lost work: the outcome of a stopped attempt
    comes after its last report.
    """
    progress = status.progress
    if progress is None or progress.stage is not stage:
        return 0.0
    lost = _lost_seconds(status.goodput, stage) / whole if whole else 0.0
    done = progress.stage_percent / 100 - lost
    committed = (progress.checkpoint_step or 0) / (progress.total_steps or 1)
    return min(max(done, committed, 0.0), 1.0)


def _lost_seconds(goodput: Goodput | None, stage: Stage) -> float:
    """Lost seconds of the newest attempts, back to one that kept some work."""
    lost = 0.0
    for interval in _newest_first(goodput, stage):
        if interval.seconds is not None:
            lost += interval.seconds.lost_work
            if interval.seconds.productive:
                break
    return lost


def _pauses(goodput: Goodput | None, stage: Stage) -> float:
    """Ratio of a training stage's time to the time of its steps."""
    for interval in _newest_first(goodput, stage):
        work = interval.seconds or interval.work
        if work is not None and work.productive:
            steps, pauses = _steps_and_pauses(work)
            return (steps + pauses) / steps
    return 1.0


def _steps_and_pauses(work: Seconds | WorkSeconds) -> tuple[float, float]:
    """Seconds of steps and pauses of an attempt, of which `other` also holds the end."""
    steps, pauses = (
        work.productive + work.data_wait,
        work.evaluation + work.checkpoint_save,
    )
    if isinstance(work, WorkSeconds):
        return steps, pauses + work.other
    return steps + work.lost_work, pauses


def _newest_first(goodput: Goodput | None, stage: Stage) -> list[Interval]:
    intervals = goodput.intervals if goodput else ()
    return [interval for interval in reversed(intervals) if interval.stage is stage]


def _start_seconds(goodput: Goodput | None) -> float:
    """Start-up seconds of a stage: those of the newest attempt that reached work."""
    for interval in reversed(goodput.intervals if goodput else ()):
        work = interval.seconds or interval.work
        if work is not None and work.productive:
            return max(work.start_up, 1.0)
    return _START_SECONDS
