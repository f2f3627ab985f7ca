"""A Pod is paid for once, however late it is heard of; and it is not remembered for ever."""

from datetime import timedelta
from decimal import Decimal

from support.billed_job_harness import paid_pod
from support.job_harness import NOW

from llmtrain_api.cost import Ledger
from llmtrain_api.stages import Stage
from llmtrain_api.status import StageRun, StageStatus
from llmtrain_lifecycle.money.ledger import spent_usd, with_pods
from llmtrain_lifecycle.money.paid_pods import PaidPod

_STAGES = (StageStatus(name=Stage.PRETRAIN, runs=(StageRun(),)),)
_SECOND = timedelta(seconds=1)


def _seen(ledger: Ledger, *pods: PaidPod, seconds: int) -> Ledger:
    now = NOW + seconds * _SECOND
    return with_pods(ledger, pods, _STAGES, last_seen=now - _SECOND, now=now)


def _ended(uid: str, seconds: int) -> PaidPod:
    return paid_pod(uid, end=NOW + seconds * _SECOND, usd_per_hour=3600)


def test_pods_that_were_paid_and_are_not_seen_any_more_are_forgotten() -> None:
    ledger = Ledger()
    for number in range(100):
        ledger = _seen(ledger, _ended(f"pod-{number}", 10), seconds=20 + number)
    assert ledger.ended == ("pod-99",)
    assert spent_usd(ledger, NOW) == 1000


def test_a_late_list_does_not_make_an_ended_pod_cost_anything() -> None:
    running, other = paid_pod("a", usd_per_hour=3600), paid_pod("b", usd_per_hour=3600)
    paid = _seen(_seen(Ledger(), running, seconds=1), _ended("a", 10), seconds=11)
    forgotten_by_the_watches = _seen(paid, seconds=12)
    assert forgotten_by_the_watches == paid
    for late in (running, _ended("a", 12)):
        ledger = _seen(paid, late, other, seconds=13)
        assert spent_usd(ledger, NOW + 13 * _SECOND) == Decimal(10 + 13)
        assert "a" in ledger.ended


def test_a_pod_that_vanished_and_is_there_after_all_is_not_paid_for_twice() -> None:
    running = paid_pod("a", usd_per_hour=3600)
    vanished = _seen(_seen(Ledger(), running, seconds=1), seconds=11)
    assert _seen(vanished, running, seconds=20) == vanished
    assert spent_usd(vanished, NOW + 20 * _SECOND) == 11
