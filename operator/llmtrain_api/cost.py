"""What a job costs: the ledger that the bill rests on, and the figures that follow from it."""

from decimal import Decimal
from enum import StrEnum
from typing import Annotated

from pydantic import Field, PlainSerializer, StringConstraints, WithJsonSchema

from llmtrain_api.base import Record, Timestamp
from llmtrain_api.stages import Stage, StageGroup

LEDGER_MAX_PODS = 16_384
"""More than a job's replicas and those of them that are on their way out."""

Usd = Annotated[
    Decimal,
    Field(ge=0),
    PlainSerializer(lambda amount: f"{amount:f}", return_type=str),
    WithJsonSchema({"type": "string", "maxLength": 32}),
]
"""US dollars, exact: a decimal number that is written as text."""
PodUid = Annotated[str, StringConstraints(max_length=64)]


class CapacityType(StrEnum):
    """How a machine is paid for."""

    ON_DEMAND = "onDemand"
    """At the list price, or reserved."""
    SPOT = "spot"
    """For less, and it may be taken away."""


class PriceSource(StrEnum):
    """Where a Pod's price comes from."""

    NODE = "node"
    """The price of its node, of which it pays the share that it takes."""
    RESOURCES = "resources"
    """What it asks for, at prices by resource."""
    NONE = "none"
    """No price is known for it; it is counted as free."""


class OpenPods(Record):
    """Pods that are paid for now, alike in all that their cost rests on."""

    uids: Annotated[tuple[PodUid, ...], Field(min_length=1, max_length=LEDGER_MAX_PODS)]
    """Of the Pods."""
    group: StageGroup
    """The stages that they serve."""
    start: Timestamp
    """When they were scheduled."""
    usd_per_hour: Usd
    """Of each, as it was when it was first seen."""
    capacity_type: CapacityType
    """Of their nodes."""
    source: PriceSource
    """Where their price comes from."""


class ClosedCost(Record):
    """What the Pods that have ended did cost, for one stage and one kind of machine."""

    stage: Stage
    """Which they served."""
    capacity_type: CapacityType
    """Of their nodes."""
    usd: Usd
    """For all of them."""
    pod_seconds: int = Field(ge=0)
    """Their time together."""


class Ledger(Record):
    """Each Pod once, by its uid: the bill can be worked out from it at any time."""

    closed: Annotated[tuple[ClosedCost, ...], Field(max_length=16)] = ()
    """Pods that have ended."""
    open: Annotated[tuple[OpenPods, ...], Field(max_length=LEDGER_MAX_PODS)] = ()
    """Pods that have not."""
    ended: Annotated[tuple[PodUid, ...], Field(max_length=LEDGER_MAX_PODS)] = ()
    """Pods in `closed` that can still be seen, or were when it changed last."""
    estimated_usd: Usd = Decimal(0)
    """Of `closed`: for Pods whose end nobody saw, from when they were last seen to when that was
    noticed."""
    wasted_usd: Usd = Decimal(0)
    """Of the intervals of `status.goodput` that have ended: what their wasted seconds did cost."""
    interval_usd: Usd = Decimal(0)
    """What was spent when the newest interval began."""


class StageCost(Record):
    """What a stage costs."""

    stage: Stage
    """Which."""
    usd: Usd
    """So far."""


class CapacityCost(Record):
    """What machines of one kind cost."""

    capacity_type: CapacityType
    """Which."""
    usd: Usd
    """So far."""


class Cost(Record):
    """What a job costs in US dollars; docs/costs.md says how that is computed."""

    observed_time: Timestamp
    """When the figures were worked out: now and then, and with each turn of the job."""
    spent_usd: Usd
    """So far."""
    usd_per_hour: Usd
    """Of all Pods that are paid for now."""
    by_stage: Annotated[tuple[StageCost, ...], Field(max_length=16)] = ()
    """The same by stage."""
    by_capacity_type: Annotated[tuple[CapacityCost, ...], Field(max_length=8)] = ()
    """The same by kind of machine."""
    wasted_usd: Usd = Decimal(0)
    """Of it, for nothing: work that was lost, starts after a failure, and waiting with Pods."""
    estimated_usd: Usd = Decimal(0)
    """Of it, for Pods whose end nobody saw: no more than this is uncertain."""
    unpriced_pods: int = Field(0, ge=0)
    """Pods that run now and have no price: they are counted as free."""
    usd_per_million_tokens: Usd | None = None
    """Of pretraining, or of fine-tuning where there is no pretraining."""
    planned_usd: Usd | None = None
    """What the planner expects of the training stages, at the price of the trainers' Pods."""
    forecast_usd: Usd | None = None
    """What the job will have cost at its end: by its real speed, or as planned before that is
    known."""
    forecast_at_least_usd: Usd | None = None
    """Where not all that is to come can be foretold: what is known of it, and what was spent."""
    ledger: Ledger
    """What all of this follows from."""
