"""How long a job still takes, and what it will have cost: from what it did so far."""

from collections.abc import Iterator
from datetime import datetime
from decimal import Decimal

from llmtrain_api.cost import Cost
from llmtrain_api.goodput import Goodput, Interval
from llmtrain_api.stages import Stage, StageGroup
from llmtrain_api.status import JobStatus, Phase, StageState, StageStatus
from llmtrain_operator.core.goodput.timeline import current_interval
from llmtrain_operator.core.money.bill import CENT
from llmtrain_operator.core.timestamps import read_time

_START_SECONDS = 20.0
"""Of a stage, before one has shown how long that takes here."""
_TOLD_ENOUGH_PERCENT = 5.0
_SECONDS_PER_HOUR = 3600


def remaining_seconds(status: JobStatus, now: datetime) -> dict[Stage, float]:
    """Until the end of each stage that is still to be done; empty where one cannot be known.

    A training stage that runs tells by itself, its pauses for validation and checkpoints included.
    One that is still to come takes its FLOPs at the speed that was measured, or as planned before
    one was. Every other stage takes as long as stages take here to start.

    Args:
        status: with its plan, progress and goodput.
        now: the time.
    """
    found = {}
    for stage in status.stages:
        if stage.state is not StageState.SUCCEEDED:
            seconds = _seconds_left(status, stage, now)
            if seconds is None:
                return {}
            found[stage.name] = seconds
    return found


def with_eta(status: JobStatus, now: datetime) -> JobStatus:
    """The status with the time to the end of its line."""
    if status.progress is None or status.phase is not Phase.RUNNING:
        return status
    left = remaining_seconds(status, now)
    eta = round(sum(left.values())) if left else None
    progress = status.progress.model_copy(update={"line_eta_seconds": eta})
    return status.model_copy(update={"progress": progress})


def forecast_usd(
    status: JobStatus, cost: Cost, expected_usd_per_hour: Decimal | None, now: datetime
) -> Decimal | None:
    """What the job will have cost at its end; None where that cannot be known yet.

    Args:
        status: with its plan, progress and goodput.
        cost: the bill so far.
        expected_usd_per_hour: of the trainers' cluster, before there is one.
        now: the time.
    """
    if status.phase.terminal:
        return cost.spent_usd
    left = remaining_seconds(status, now)
    total = cost.spent_usd
    for stage, seconds in left.items():
        rate = _usd_per_hour(status, cost, stage.group)
        rate = expected_usd_per_hour if rate is None else rate
        if rate is None:
            return None
        total += rate * Decimal(str(seconds)) / _SECONDS_PER_HOUR
    return total.quantize(CENT) if left else None


def planned_usd(status: JobStatus, cost: Cost, expected: Decimal | None) -> Decimal | None:
    """What the planner expects of the training stages, at the price of the trainers' cluster."""
    rate = _usd_per_hour(status, cost, StageGroup.TRAINERS)
    rate = expected if rate is None else rate
    stages = status.plan.stages if status.plan else ()
    seconds = [stage.duration_seconds for stage in stages if stage.duration_seconds is not None]
    if rate is None or not stages or len(seconds) < len(stages):
        return None
    return (rate * Decimal(str(sum(seconds))) / _SECONDS_PER_HOUR).quantize(CENT)


def _seconds_left(status: JobStatus, stage: StageStatus, now: datetime) -> float | None:
    progress, interval = status.progress, current_interval(status.goodput)
    start = _start_seconds(status.goodput)
    if interval is not None and interval.stage is stage.name and progress is not None:
        if progress.stage is stage.name and progress.eta_seconds is not None:
            return progress.eta_seconds * _pauses(interval)
        if progress.stage_percent >= _TOLD_ENOUGH_PERCENT:
            elapsed = (now - read_time(interval.start)).total_seconds()
            return elapsed * (100 - progress.stage_percent) / progress.stage_percent
    planned = status.plan.stage(stage.name) if status.plan else None
    if planned is None:
        return None if stage.name in {Stage.PRETRAIN, Stage.FINETUNE} else start
    speed = status.plan.flops_per_second if status.plan else None
    if planned.tokens is not None and speed:
        return start + planned.tokens * planned.flops_per_token / speed
    return None if planned.duration_seconds is None else start + planned.duration_seconds


def _pauses(interval: Interval) -> float:
    """How much longer than its steps a training stage takes."""
    work = interval.work
    if work is None or not work.productive:
        return 1.0
    steps = work.productive + work.data_wait
    return (steps + work.evaluation + work.checkpoint_save + work.other) / steps


def _start_seconds(goodput: Goodput | None) -> float:
    """What a stage needs to start: as the newest one that did."""
    for interval in reversed(goodput.intervals if goodput else ()):
        told = interval.seconds or interval.work
        if told is not None and told.productive:
            return max(told.start_up, 1.0)
    return _START_SECONDS


def _usd_per_hour(status: JobStatus, cost: Cost, group: StageGroup) -> Decimal | None:
    """Of the cluster that a group of stages runs on: now, or while its stages ran."""
    at_work = [pods for pods in cost.ledger.open if pods.group in {group, StageGroup.ALL}]
    if at_work:
        return sum((len(pods.uids) * pods.usd_per_hour for pods in at_work), Decimal(0))
    usd = {each.stage: each.usd for each in cost.by_stage}
    done = [stage for stage in _done(status) if stage.name.group is group and stage.name in usd]
    seconds = sum((_took(stage) for stage in done), 0.0)
    if not seconds:
        return None
    total = sum((usd[stage.name] for stage in done), Decimal(0))
    return total * _SECONDS_PER_HOUR / Decimal(str(seconds))


def _done(status: JobStatus) -> Iterator[StageStatus]:
    return (stage for stage in status.stages if stage.state is StageState.SUCCEEDED)


def _took(stage: StageStatus) -> float:
    assert stage.start_time is not None, "it has succeeded"
    assert stage.completion_time is not None, "it has succeeded"
    return (read_time(stage.completion_time) - read_time(stage.start_time)).total_seconds()
