"""What is paid for nothing."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest
from support.billed_job_harness import BilledJobHarness, paid_pod

from llmtrain_api.cost import CapacityType, Ledger, OpenPods, PriceSource
from llmtrain_api.exit_codes import ExitCode, Outcome
from llmtrain_api.goodput import Activity, Goodput, Interval, Seconds, WorkSeconds
from llmtrain_api.stages import Stage, StageGroup
from llmtrain_lifecycle.accounts import broken_off
from llmtrain_lifecycle.money.waste import wasted_usd, with_transition
from llmtrain_lifecycle.status_text import write_time

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
        (_interval(Activity.WAITING), Seconds(other=100), 100),
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
    ended = interval.replace(end=write_time(_END), seconds=seconds)
    ledger = with_transition(_A_DOLLAR_A_SECOND, _goodput(interval), _goodput(ended), _END)
    assert (ledger.wasted_usd, ledger.interval_usd) == (usd, 100)


def test_an_interval_that_goes_on() -> None:
    work = WorkSeconds(start_up=10, productive=90, uncommitted=90)
    first = _interval(Activity.WORKING, stage=Stage.PRETRAIN, attempt=0, work=work)
    again = first.replace(attempt=1)
    assert wasted_usd(_A_DOLLAR_A_SECOND, _goodput(first), _END) == 0
    assert wasted_usd(_A_DOLLAR_A_SECOND, _goodput(again), _END) == 10


def _works_for_100_seconds() -> BilledJobHarness:
    """An attempt on a machine of a dollar a second, that has not committed anything yet."""
    harness = BilledJobHarness("finetune", policy={"retries": {"application": 5}})
    harness.paid = (paid_pod("a", usd_per_hour=3600),)
    harness.start()
    harness.wait(100)
    work = WorkSeconds(start_up=10, productive=90, uncommitted=90)
    harness.reconcile(progress=harness.report(50, work=work))
    assert harness.cost.wasted_usd == 0
    return harness


def test_pods_that_wait_for_the_next_attempt_are_paid_for_nothing() -> None:
    harness = _works_for_100_seconds()
    harness.end(
        ExitCode.APPLICATION, Outcome(reason="", message="", work=WorkSeconds(start_up=100))
    )
    wait = harness.reconcile().requeue_after_seconds
    assert wait is not None
    harness.submission = None
    harness.wait(wait)
    harness.start()
    assert wait >= 5
    assert harness.cost.wasted_usd == pytest.approx(Decimal(wait), abs=1)


def test_what_a_laptop_s_run_lost_when_it_was_killed_is_wasted_once() -> None:
    harness = _works_for_100_seconds()
    killed_at = harness.now
    harness.wait(1000)
    harness.status = broken_off(harness.status)
    assert harness.cost.ledger.wasted_usd == 90
    harness.paid = (paid_pod("a", end=killed_at, usd_per_hour=3600),)
    harness.submission, harness.cluster_ready = None, False
    harness.reconcile()
    assert (harness.cost.wasted_usd, harness.cost.spent_usd) == (90, 100)
    harness.status = broken_off(harness.status)
    assert harness.cost.ledger.wasted_usd == 90


def test_no_more_is_wasted_than_was_spent() -> None:
    shorter = _A_DOLLAR_A_SECOND.replace(wasted_usd=Decimal(100))
    waiting = _goodput(_interval(Activity.WAITING))
    assert wasted_usd(shorter, waiting, _START + timedelta(seconds=99)) == 99
