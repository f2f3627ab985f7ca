"""What is paid for nothing."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest

from llmtrain_api.cost import CapacityType, Ledger, OpenPods, PriceSource
from llmtrain_api.goodput import Activity, Goodput, Interval, Seconds, WorkSeconds
from llmtrain_api.stages import Stage, StageGroup
from llmtrain_operator.core.money.waste import wasted_usd, with_turn
from llmtrain_operator.core.timestamps import write_time

_START = datetime(2026, 1, 1, tzinfo=UTC)
_END = _START + timedelta(seconds=100)
_A_DOLLAR_A_SECOND = Ledger(
    open=(
        OpenPods(
            uids=("pod",),
            group=StageGroup.TRAINERS,
            start=write_time(_START),
            usd_per_hour=Decimal(3600),
            capacity_type=CapacityType.SPOT,
            source=PriceSource.NODE,
        ),
    )
)


def _goodput(interval: Interval) -> Goodput:
    return Goodput(observed_time=write_time(_END), seconds=Seconds(), intervals=(interval,))


def _interval(activity: Activity, **fields: object) -> Interval:
    return Interval.model_validate({"activity": activity, "start": write_time(_START), **fields})


@pytest.mark.parametrize(
    ("interval", "seconds", "usd"),
    [
        (_interval(Activity.PROVISIONING), Seconds(provisioning=100), 100),
        (_interval(Activity.QUEUED), Seconds(queued=100), 100),
        (_interval(Activity.WAITING), Seconds(other=100), 0),
        (
            _interval(Activity.WORKING, stage=Stage.PRETRAIN, attempt=0),
            Seconds(start_up=30, productive=50, lost_work=20),
            20,
        ),
        (
            _interval(Activity.WORKING, stage=Stage.PRETRAIN, attempt=1),
            Seconds(start_up=30, restore=5, productive=65),
            35,
        ),
    ],
    ids=["provisioning", "queued", "waiting", "first attempt", "second attempt"],
)
def test_an_interval_that_has_ended(interval: Interval, seconds: Seconds, usd: int) -> None:
    ended = interval.model_copy(update={"end": write_time(_END), "seconds": seconds})
    ledger = with_turn(_A_DOLLAR_A_SECOND, _goodput(interval), _goodput(ended), _END)
    assert (ledger.wasted_usd, ledger.interval_usd) == (usd, 100)


def test_an_interval_that_goes_on() -> None:
    work = WorkSeconds(start_up=10, productive=90, uncommitted=90)
    first = _interval(Activity.WORKING, stage=Stage.PRETRAIN, attempt=0, work=work)
    again = first.model_copy(update={"attempt": 1})
    assert wasted_usd(_A_DOLLAR_A_SECOND, _goodput(first), _END) == 0
    assert wasted_usd(_A_DOLLAR_A_SECOND, _goodput(again), _END) == 10
