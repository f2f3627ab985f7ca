"""Computes the bill from the ledger."""

from collections import defaultdict
from datetime import datetime
from decimal import Decimal

from llmtrain_api.cost import CapacityCost, CapacityType, Cost, Ledger, PriceSource, StageCost
from llmtrain_api.goodput import Goodput
from llmtrain_api.stages import Stage
from llmtrain_api.status import JobStatus
from llmtrain_lifecycle.money.ledger import shares, spent_usd, usd_per_hour
from llmtrain_lifecycle.money.waste import wasted_usd
from llmtrain_lifecycle.status_text import write_time

CENT = Decimal("0.01")
_TENTH_OF_A_CENT = Decimal("0.0001")
_MILLION = 1_000_000


def bill(ledger: Ledger, before: Cost | None, after: JobStatus, now: datetime) -> Cost:
    """The bill at a time, with the forecast and plan of the last bill.

    Args:
        ledger: the updated ledger.
        before: the last bill.
        after: the job's status, with its goodput.
        now: current time.
    """
    assert after.goodput is not None, "its time is known before its costs"
    by_stage: dict[Stage, Decimal] = defaultdict(Decimal)
    by_capacity: dict[CapacityType, Decimal] = defaultdict(Decimal)
    for share in shares(ledger, after.stages, now):
        by_stage[share.stage] += share.usd
        by_capacity[share.capacity_type] += share.usd
    return Cost(
        observed_time=write_time(now),
        spent_usd=spent_usd(ledger, now).quantize(CENT),
        usd_per_hour=usd_per_hour(ledger).quantize(_TENTH_OF_A_CENT),
        by_stage=tuple(
            StageCost(stage=stage, usd=by_stage[stage].quantize(_TENTH_OF_A_CENT))
            for stage in Stage
            if stage in by_stage
        ),
        by_capacity_type=tuple(
            CapacityCost(capacity_type=kind, usd=by_capacity[kind].quantize(_TENTH_OF_A_CENT))
            for kind in CapacityType
            if kind in by_capacity
        ),
        wasted_usd=_wasted(ledger, after.goodput, now),
        estimated_usd=ledger.estimated_usd.quantize(_TENTH_OF_A_CENT),
        unpriced_pods=sum(
            len(pods.uids) for pods in ledger.open if pods.source is PriceSource.NONE
        ),
        usd_per_million_tokens=_per_million_tokens(by_stage, after, before),
        planned_usd=before.planned_usd if before else None,
        forecast_usd=before.forecast_usd if before else None,
        ledger=ledger,
    )


def _wasted(ledger: Ledger, goodput: Goodput, now: datetime) -> Decimal:
    return wasted_usd(ledger, goodput, now).quantize(_TENTH_OF_A_CENT)


def _per_million_tokens(
    by_stage: dict[Stage, Decimal], after: JobStatus, before: Cost | None
) -> Decimal | None:
    """Cost per million tokens of the first training stage; it stays after the stage has ended."""
    progress = after.progress
    stage = next((each.name for each in after.stages if each.name.optimizes), None)
    if progress is None or progress.stage is not stage or not progress.tokens:
        return before.usd_per_million_tokens if before else None
    return (by_stage[stage] * _MILLION / progress.tokens).quantize(_TENTH_OF_A_CENT)
