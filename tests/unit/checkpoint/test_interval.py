"""The automatic time between two checkpoints."""

import pytest

from llmtrain_api.run_config import Workers
from llmtrain_trainer.checkpoint.interval import (
    automatic_interval,
    mean_seconds_between_failures,
)

DAY = 86_400.0


def _interval(stall: float, save: float, days_between_failures: float) -> float:
    return automatic_interval(
        stall_seconds=stall,
        save_seconds=save,
        mean_seconds_between_failures=days_between_failures * DAY,
    )


def test_machines_fail_more_often_together_and_spot_machines_more_often_still() -> None:
    def days(machines: int, *, spot: bool) -> float:
        workers = Workers(count=machines, cpus=1, gpus=0, machines=machines, spot=spot)
        return mean_seconds_between_failures(workers) / DAY

    assert days(1, spot=False) == 60
    assert days(120, spot=False) == 0.5
    assert days(8, spot=True) == 0.125


def test_youngs_formula_costs_least() -> None:
    stall, failures = 2.0, 0.5
    best = _interval(stall, 10, failures)

    def cost(interval: float) -> float:
        return stall / interval + interval / (2 * failures * DAY)

    assert best == pytest.approx((2 * stall * failures * DAY) ** 0.5)
    assert cost(best) < min(cost(0.9 * best), cost(1.1 * best))


@pytest.mark.parametrize(
    ("stall", "save", "days", "interval"),
    [
        (0.0, 0.1, 60, 60),  # nothing would be gained by more
        (1.0, 20, 60, 1800),  # nobody wants to lose more than half an hour
        (1.0, 20, 0.001, 60),
        (1.0, 300, 0.001, 600),  # the storage rests half of the time
        (120.0, 120, 1, 6000),  # training waits for 2 % of the time
    ],
)
def test_bounds(stall: float, save: float, days: float, interval: float) -> None:
    assert _interval(stall, save, days) == interval


@pytest.mark.parametrize("stall", [0.01, 1.0, 30.0, 600.0])
@pytest.mark.parametrize("days", [1e-4, 1.0, 60.0])
def test_training_waits_for_two_percent_of_the_time_at_most(stall: float, days: float) -> None:
    assert stall / _interval(stall, 1.0, days) <= 0.02
