"""Computes wasted money: an interval's cost times the wasted share of its time."""

from datetime import datetime
from decimal import Decimal

from llmtrain_api.cost import Ledger
from llmtrain_api.goodput import Activity, Goodput, Interval, Seconds
from llmtrain_lifecycle.goodput import End, buckets_of, current_interval
from llmtrain_lifecycle.money.amounts import EXACT_TO
from llmtrain_lifecycle.money.ledger import spent_usd


def with_transition(
    ledger: Ledger, before: Goodput | None, after: Goodput, now: datetime
) -> Ledger:
    """The ledger after a reconcile, with the waste of an interval that has ended.

    Args:
        ledger: ledger with the newest Pods.
        before: goodput before the reconcile.
        after: goodput after the reconcile.
        now: current time.
    """
    last = current_interval(before)
    if last is None:
        return ledger
    ended = next(
        (each for each in after.intervals if each.end is not None and _is(each, last)), None
    )
    if ended is None:
        return ledger
    spent = spent_usd(ledger, now)
    wasted = (spent - ledger.interval_usd) * _share(ended, ended.seconds or Seconds())
    return ledger.replace(
        wasted_usd=ledger.wasted_usd + max(wasted, Decimal(0)).quantize(EXACT_TO),
        interval_usd=spent,
    )


def wasted_usd(ledger: Ledger, goodput: Goodput, now: datetime) -> Decimal:
    """Wasted money until a time, without work that may yet be lost.

    Never more than the money spent, which decreases if a Pod has ended, by its node's clock, before
    that was noticed.
    """
    spent, current = spent_usd(ledger, now), current_interval(goodput)
    if current is None:
        return min(ledger.wasted_usd, spent)
    cost = max(spent - ledger.interval_usd, Decimal(0))
    share = _share(current, buckets_of(current, now, End.NOT_YET))
    return min(ledger.wasted_usd + (cost * share).quantize(EXACT_TO), spent)


def _is(interval: Interval, other: Interval) -> bool:
    known = (other.activity, other.start, other.stage, other.attempt)
    return (interval.activity, interval.start, interval.stage, interval.attempt) == known


def _share(interval: Interval, seconds: Seconds) -> Decimal:
    """Wasted share of the interval: waiting with Pods, restarts, and lost work."""
    if interval.activity is Activity.WAITING:
        return Decimal(1)
    wasted = seconds.queued + seconds.provisioning + seconds.suspended + seconds.lost_work
    if interval.attempt:
        wasted += seconds.start_up + seconds.restore
    total = seconds.total
    return Decimal(str(wasted / total)) if total else Decimal(0)
