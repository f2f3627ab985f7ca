"""The cost of a job: the ledger, and the figures computed from it."""

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
    """The list price, or a reservation."""
    SPOT = "spot"
    """A lower price, and the machine may be taken away."""


class PriceSource(StrEnum):
    """Where a Pod's price comes from."""

    NODE = "node"
    """The price of the Pod's node, of which the Pod pays the share that it takes."""
    RESOURCES = "resources"
    """Prices by resource, for what the Pod requests."""
    NONE = "none"
    """No price is known for the Pod, so it counts as free."""


class OpenPods(Record):
    """A group of Pods that are paid for now and have the same start, price and stage group."""

    uids: Annotated[tuple[PodUid, ...], Field(min_length=1, max_length=LEDGER_MAX_PODS)]
    """UIDs of the Pods in this group."""
    group: StageGroup
    """Stage group that the Pods work for."""
    start: Timestamp
    """Time at which the Pods were scheduled to a node."""
    usd_per_hour: Usd
    """Price of one Pod in US dollars per hour, fixed when the Pod was first seen."""
    capacity_type: CapacityType
    """Capacity type of the Pods' nodes: onDemand or spot."""
    source: PriceSource
    """Where the Pods' price comes from: node, resources or none."""


class ClosedCost(Record):
    """Cost of all Pods that have ended, for one stage and one capacity type."""

    stage: Stage
    """Stage that the Pods worked for."""
    capacity_type: CapacityType
    """Capacity type of the Pods' nodes: onDemand or spot."""
    usd: Usd
    """Cost of all these Pods together, in US dollars."""
    pod_seconds: int = Field(ge=0)
    """Time that all these Pods ran together, in seconds."""


class Ledger(Record):
    """Record of each Pod, once by its UID; the bill at any time follows from it."""

    closed: Annotated[tuple[ClosedCost, ...], Field(max_length=16)] = ()
    """Cost of the Pods that have ended, by stage and capacity type."""
    open: Annotated[tuple[OpenPods, ...], Field(max_length=LEDGER_MAX_PODS)] = ()
    """Pods that are still paid for."""
    ended: Annotated[tuple[PodUid, ...], Field(max_length=LEDGER_MAX_PODS)] = ()
    """UIDs of Pods that are counted in `closed` and may still be listed by the API server; they are
    not counted again."""
    estimated_usd: Usd = Decimal(0)
    """Part of `closed` that is uncertain, in US dollars: Pods whose end nobody saw, from the last
    sighting to the time their absence was noticed."""
    wasted_usd: Usd = Decimal(0)
    """Cost of the wasted seconds in intervals of `status.goodput` that have ended, in US
    dollars."""
    interval_usd: Usd = Decimal(0)
    """Total cost when the newest interval of `status.goodput` began, in US dollars."""


class StageCost(Record):
    """Cost of one stage."""

    stage: Stage
    """Name of the stage that was paid for."""
    usd: Usd
    """Cost of the stage so far, in US dollars."""


class CapacityCost(Record):
    """Cost of machines of one capacity type."""

    capacity_type: CapacityType
    """Capacity type that was paid for: onDemand or spot."""
    usd: Usd
    """Cost of these machines so far, in US dollars."""


class Cost(Record):
    """Cost of the job in US dollars; docs/costs.md says how each figure is computed."""

    observed_time: Timestamp
    """Time at which the cost figures were computed. They are renewed every few minutes, and at each
    change of the job."""
    spent_usd: Usd
    """Cost of the job so far, in US dollars."""
    usd_per_hour: Usd
    """Price of all Pods that run now, in US dollars per hour."""
    by_stage: Annotated[tuple[StageCost, ...], Field(max_length=16)] = ()
    """Cost so far, by stage."""
    by_capacity_type: Annotated[tuple[CapacityCost, ...], Field(max_length=8)] = ()
    """Cost so far, by capacity type (onDemand or spot)."""
    wasted_usd: Usd = Decimal(0)
    """Part of `spentUsd` that bought nothing: lost work, starts after a failure, and waiting with
    Pods."""
    estimated_usd: Usd = Decimal(0)
    """Part of `spentUsd` that is uncertain at most, because nobody saw when some Pods ended."""
    unpriced_pods: int = Field(0, ge=0)
    """Number of running Pods that have no price; they count as free."""
    usd_per_million_tokens: Usd | None = None
    """Cost per million trained tokens in US dollars: of pretraining, or of fine-tuning in a job
    without pretraining."""
    planned_usd: Usd | None = None
    """Cost that the planner expects for the training stages, at the price of the trainers' Pods."""
    forecast_usd: Usd | None = None
    """Expected total cost at the end of the job, in US dollars: by its measured speed, or as
    planned until a speed is known."""
    forecast_at_least_usd: Usd | None = None
    """Lower bound of the total cost, in US dollars, where some stage cannot be forecast yet."""
    ledger: Ledger
    """Record of Pods and prices that all cost figures are computed from."""
