"""A job's time and money, brought up to date at the end of a pass."""

from datetime import timedelta

from llmtrain_api.cost import Cost, Ledger
from llmtrain_api.status import JobStatus
from llmtrain_lifecycle import timeline
from llmtrain_lifecycle.forecast import ForecastInputs, with_forecast
from llmtrain_lifecycle.money import waste
from llmtrain_lifecycle.money.bill import bill
from llmtrain_lifecycle.money.ledger import with_pods
from llmtrain_lifecycle.plan import with_plan
from llmtrain_lifecycle.reconciliation import Reconciliation
from llmtrain_lifecycle.status_text import read_time
from llmtrain_lifecycle.time_left import with_eta

_REFRESHED_AFTER = timedelta(seconds=30)
"""Figures that grow with time alone are written again after so long: each write costs the API
server something, and whoever wants them to the second works them out from what stands there."""


def with_accounts(ctx: Reconciliation, after: JobStatus) -> JobStatus:
    """The status with the job's plan, time and money; as they stand where nothing is new.

    Args:
        ctx: what the pass rests on.
        after: the status that the pass decided on.
    """
    planned = with_plan(ctx.job.spec, after, ctx.snapshot)
    goodput = timeline.with_transition(ctx.status, planned, ctx.snapshot, ctx.uid, ctx.now)
    timed = with_eta(planned.replace(goodput=goodput), ctx.now)
    cost = _cost(ctx, timed)
    if not _is_news(ctx, after, timed, cost):
        return after
    return timed.replace(cost=cost)


def broken_off(status: JobStatus) -> JobStatus:
    """The status of a job whose compute went with whoever ran it: what it did is put down."""
    goodput, cost = timeline.broken_off(status.goodput), status.cost
    if goodput is not None and cost is not None:
        seen = read_time(goodput.observed_time)
        ledger = waste.with_transition(cost.ledger, status.goodput, goodput, seen)
        cost = cost.replace(ledger=ledger)
    return status.replace(goodput=goodput, cost=cost)


def _is_news(ctx: Reconciliation, after: JobStatus, timed: JobStatus, cost: Cost | None) -> bool:
    """Whether the figures are to be written: with any other change, with each turn, and at times.

    Those of a job that holds no compute are not written just because time goes by.
    """
    before = ctx.status
    if before.goodput is None or timed.goodput is None or after != before:
        return True
    if (cost and cost.ledger) != (before.cost and before.cost.ledger):
        return True
    return (
        after.phase.active and ctx.now - read_time(before.goodput.observed_time) >= _REFRESHED_AFTER
    )


def _cost(ctx: Reconciliation, after: JobStatus) -> Cost | None:
    """The bill; None where there are no prices, and were none."""
    before = ctx.status.cost
    if ctx.snapshot.paid is None:
        return before
    last_seen = read_time(before.observed_time) if before else ctx.now
    now = max(ctx.now, last_seen).replace(microsecond=0)
    assert after.goodput is not None, "its time is known before its costs"
    ledger = with_pods(
        before.ledger if before else Ledger(),
        ctx.snapshot.paid,
        after.stages or tuple(after.stage(name) for name in ctx.job.spec.stages),
        last_seen=last_seen,
        now=now,
    )
    ledger = waste.with_transition(ledger, ctx.status.goodput, after.goodput, now)
    outlook = ForecastInputs(
        after,
        bill(ledger, before, after, now),
        ctx.snapshot.expected_usd_per_hour,
        all_there=ctx.cluster_ready,
    )
    return with_forecast(outlook, now)
