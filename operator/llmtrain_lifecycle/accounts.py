"""Updates a job's plan, time and cost at the end of a reconcile."""

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
"""Interval between writes of figures that only grow with time: each write costs the API server
something, and exact figures can be computed from the stored ones."""


def with_accounts(ctx: Reconciliation, after: JobStatus) -> JobStatus:
    """The status with updated plan, time and cost; unchanged if nothing is new.

    Args:
        ctx: context of the reconcile.
        after: the decided status.
    """
    planned = with_plan(ctx.job.spec, after, ctx.snapshot)
    goodput = timeline.with_transition(ctx.status, planned, ctx.snapshot, ctx.uid, ctx.now)
    timed = with_eta(planned.replace(goodput=goodput), ctx.now)
    cost = _cost(ctx, timed)
    if not _must_write(ctx, after, timed, cost):
        return after
    return timed.replace(cost=cost)


def broken_off(status: JobStatus) -> JobStatus:
    """The status of a job whose process died, with its compute, up to the last sighting."""
    goodput, cost = timeline.broken_off(status.goodput), status.cost
    if goodput is not None and cost is not None:
        seen = read_time(goodput.observed_time)
        ledger = waste.with_transition(cost.ledger, status.goodput, goodput, seen)
        cost = cost.replace(ledger=ledger)
    return status.replace(goodput=goodput, cost=cost)


def _must_write(ctx: Reconciliation, after: JobStatus, timed: JobStatus, cost: Cost | None) -> bool:
    """Whether to write the figures: with any other change, each transition, and at intervals.

    Without compute they are not written just because time passes.
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
    """The bill; None without prices, unless the job has a bill already."""
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
    inputs = ForecastInputs(
        after,
        bill(ledger, before, after, now),
        ctx.snapshot.expected_usd_per_hour,
        all_there=ctx.cluster_ready,
    )
    return with_forecast(inputs, now)
