"""Forecasts the total cost of a job."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from llmtrain_api.cost import Cost, OpenPods, PriceSource
from llmtrain_api.stages import StageGroup
from llmtrain_api.status import JobStatus, StageState, StageStatus
from llmtrain_lifecycle.money.bill import CENT
from llmtrain_lifecycle.status_text import read_time
from llmtrain_lifecycle.time_left import remaining_seconds

_SECONDS_PER_HOUR = 3600


@dataclass(frozen=True)
class ForecastInputs:
    """Inputs of a job's forecast.

    Attributes:
        status: status of the job, with its plan, progress and goodput.
        cost: the bill so far, with the last forecast.
        expected_usd_per_hour: price of the trainers before they exist; None if unknown.
        all_there: whether the cluster has all of its Pods.
    """

    status: JobStatus
    cost: Cost
    expected_usd_per_hour: Decimal | None
    all_there: bool


def with_forecast(inputs: ForecastInputs, now: datetime) -> Cost:
    """The bill with the forecast and the plan.

    Args:
        inputs: inputs of the forecast.
        now: current time.
    """
    cost = inputs.cost
    planned = cost.planned_usd
    if planned is None or _trainers_are_there(inputs):
        planned = _planned_usd(inputs)
    forecast, at_least = _forecast_usd(inputs, now)
    return cost.replace(forecast_usd=forecast, forecast_at_least_usd=at_least, planned_usd=planned)


def _forecast_usd(inputs: ForecastInputs, now: datetime) -> tuple[Decimal | None, Decimal | None]:
    """The expected total cost, or else its lower bound.

    The last forecast stands while the price of a cluster is unknown, because the job is suspended
    or has lost a worker.
    """
    cost = inputs.cost
    if inputs.status.phase.terminal:
        return cost.spent_usd, None
    left = remaining_seconds(inputs.status, now)
    total, prices_are_known = cost.spent_usd, True
    for stage, seconds in left.items():
        rate = _usd_per_hour(inputs, stage.group)
        if rate is None:
            prices_are_known = False
        elif seconds is not None:
            total += rate * Decimal(str(seconds)) / _SECONDS_PER_HOUR
    total = total.quantize(CENT)
    if left and prices_are_known and None not in left.values():
        return total, None
    if prices_are_known or cost.unpriced_pods or cost.forecast_usd is None:
        return None, total
    return max(cost.forecast_usd, total), None


def _planned_usd(inputs: ForecastInputs) -> Decimal | None:
    """Planned cost of the training stages, at the price of the trainers' cluster."""
    rate, plan = _usd_per_hour(inputs, StageGroup.TRAINERS), inputs.status.plan
    stages = plan.stages if plan else ()
    seconds = [stage.duration_seconds for stage in stages if stage.duration_seconds is not None]
    if rate is None or not stages or len(seconds) < len(stages):
        return None
    return (rate * Decimal(str(sum(seconds))) / _SECONDS_PER_HOUR).quantize(CENT)


def _trainers_are_there(inputs: ForecastInputs) -> bool:
    return inputs.all_there and bool(_open_pods(inputs.cost, StageGroup.TRAINERS))


def _usd_per_hour(inputs: ForecastInputs, group: StageGroup) -> Decimal | None:
    """Price of a stage group's cluster: now, or while its stages ran.

    Before all Pods exist, their price is only a lower bound.
    """
    pods, expected = _open_pods(inputs.cost, group), inputs.expected_usd_per_hour
    if any(each.source is PriceSource.NONE for each in pods):
        return None
    now = sum((len(each.uids) * each.usd_per_hour for each in pods), Decimal(0))
    if pods and inputs.all_there:
        return now
    if pods:
        return None if expected is None else max(expected, now)
    while_it_ran = _usd_per_hour_of_done(inputs, group)
    return expected if while_it_ran is None else while_it_ran


def _open_pods(cost: Cost, group: StageGroup) -> list[OpenPods]:
    return [pods for pods in cost.ledger.open if pods.group in {group, StageGroup.ALL}]


def _usd_per_hour_of_done(inputs: ForecastInputs, group: StageGroup) -> Decimal | None:
    usd = {each.stage: each.usd for each in inputs.cost.by_stage}
    done = [each for each in _done(inputs.status) if each.name.group is group and each.name in usd]
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
