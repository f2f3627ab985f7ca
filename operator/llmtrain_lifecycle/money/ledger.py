"""The ledger: each Pod once, open from its start to its end, then in the closed sums.

The cost at any time is a function of the ledger and that time. Nothing is added as time passes, so
a lost, doubled or late reconcile changes nothing.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from llmtrain_api.cost import CapacityType, ClosedCost, Ledger, OpenPods, PriceSource
from llmtrain_api.stages import Stage, StageGroup
from llmtrain_api.status import StageStatus
from llmtrain_lifecycle.money.amounts import (
    amount,
    seconds_between,
    shares_of_stages,
    whole_seconds,
)
from llmtrain_lifecycle.money.paid_pods import PaidPod
from llmtrain_lifecycle.status_text import read_time, write_time


@dataclass(frozen=True)
class Entry:
    """Paid time of one Pod at one price."""

    uid: str
    group: StageGroup
    start: datetime
    usd_per_hour: Decimal
    capacity_type: CapacityType
    source: PriceSource


@dataclass(frozen=True)
class Share:
    """Cost of Pods for one stage and one capacity type."""

    stage: Stage
    capacity_type: CapacityType
    usd: Decimal
    pod_seconds: int


def with_pods(
    ledger: Ledger,
    pods: Sequence[PaidPod],
    stages: Sequence[StageStatus],
    *,
    last_seen: datetime,
    now: datetime,
) -> Ledger:
    """The ledger updated with a job's Pods; unchanged if nothing is new.

    An open Pod that no longer exists has ended unseen. Its end is set to now, and its cost since
    the last sighting counts as estimated.

    Args:
        ledger: stored ledger.
        pods: existing Pods, and deleted ones that were seen.
        stages: stages of the job, in order.
        last_seen: time of the open Pods' last sighting.
        now: current time in whole seconds, not before `last_seen`.
    """
    seen = {pod.uid: pod for pod in pods}
    still_open, closings, estimated = [], [], Decimal(0)
    for entry in _entries(ledger):
        pod = seen.get(entry.uid)
        if pod is None:
            closings.append((entry, now))
            unseen = seconds_between(max(entry.start, last_seen), now)
            estimated += amount(entry.usd_per_hour, unseen)
        elif pod.end is not None:
            closings.append((entry, whole_seconds(pod.end)))
        else:
            still_open.append(entry)
    for entry, end in _new_entries(pods, known_uids(ledger)):
        if end is None:
            still_open.append(entry)
        else:
            closings.append((entry, whole_seconds(end)))
    if not closings and len(still_open) == sum(len(each.uids) for each in ledger.open):
        return ledger
    closed_uids = {entry.uid for entry, _ in closings}
    return ledger.replace(
        open=_grouped(still_open),
        closed=_closed(ledger, closings, stages),
        ended=tuple(sorted(closed_uids | (seen.keys() & set(ledger.ended)))),
        estimated_usd=ledger.estimated_usd + estimated,
    )


def known_uids(ledger: Ledger) -> frozenset[str]:
    """UIDs of all Pods in the ledger, open or closed."""
    return frozenset(uid for pods in ledger.open for uid in pods.uids) | frozenset(ledger.ended)


def shares(ledger: Ledger, stages: Sequence[StageStatus], time: datetime) -> Iterator[Share]:
    """Cost of all Pods until a time, by stage and capacity type."""
    for closed in ledger.closed:
        yield Share(closed.stage, closed.capacity_type, closed.usd, closed.pod_seconds)
    for pods in ledger.open:
        count, (entry, *_) = len(pods.uids), _entries_of(pods)
        for share in _shares_of(entry, time, stages):
            usd, seconds = count * share.usd, count * share.pod_seconds
            yield Share(share.stage, share.capacity_type, usd, seconds)


def spent_usd(ledger: Ledger, time: datetime) -> Decimal:
    """Cost of all Pods until a time, in US dollars."""
    total = sum((each.usd for each in ledger.closed), Decimal(0))
    for pods in ledger.open:
        seconds = seconds_between(read_time(pods.start), time)
        total += len(pods.uids) * amount(pods.usd_per_hour, seconds)
    return total


def usd_per_hour(ledger: Ledger) -> Decimal:
    """Price of all open Pods in US dollars per hour."""
    return sum((len(pods.uids) * pods.usd_per_hour for pods in ledger.open), Decimal(0))


def _entries(ledger: Ledger) -> Iterator[Entry]:
    for pods in ledger.open:
        yield from _entries_of(pods)


def _entries_of(pods: OpenPods) -> list[Entry]:
    start = read_time(pods.start)
    return [
        Entry(uid, pods.group, start, pods.usd_per_hour, pods.capacity_type, pods.source)
        for uid in pods.uids
    ]


def _new_entries(
    pods: Sequence[PaidPod], known: AbstractSet[str]
) -> Iterator[tuple[Entry, datetime | None]]:
    for pod in pods:
        if pod.uid not in known:
            price = pod.price
            yield (
                Entry(
                    pod.uid,
                    pod.group,
                    whole_seconds(pod.start),
                    price.usd_per_hour,
                    price.capacity_type,
                    price.source,
                ),
                pod.end,
            )


def _grouped(entries: Iterable[Entry]) -> tuple[OpenPods, ...]:
    """Group entries that differ only in their UID; in a stable order."""
    groups: dict[tuple[object, ...], list[Entry]] = defaultdict(list)
    for entry in entries:
        kind = (entry.start, entry.group, entry.usd_per_hour, entry.capacity_type, entry.source)
        groups[kind].append(entry)
    together = [
        OpenPods(
            uids=tuple(sorted(entry.uid for entry in alike)),
            group=alike[0].group,
            start=write_time(alike[0].start),
            usd_per_hour=alike[0].usd_per_hour,
            capacity_type=alike[0].capacity_type,
            source=alike[0].source,
        )
        for alike in groups.values()
    ]
    return tuple(sorted(together, key=lambda pods: (pods.start, pods.uids)))


def _shares_of(entry: Entry, end: datetime, stages: Sequence[StageStatus]) -> Iterator[Share]:
    """Cost of one Pod until a time, by stage; the parts sum exactly to the whole."""
    so_far = 0
    for stage, seconds in shares_of_stages(stages, entry.group, entry.start, end):
        until_now, until_then = (
            amount(entry.usd_per_hour, each) for each in (so_far, so_far + seconds)
        )
        so_far += seconds
        yield Share(stage, entry.capacity_type, until_then - until_now, seconds)


def _closed(
    ledger: Ledger, closings: list[tuple[Entry, datetime]], stages: Sequence[StageStatus]
) -> tuple[ClosedCost, ...]:
    if not closings:
        return ledger.closed
    usd: dict[tuple[Stage, CapacityType], Decimal] = defaultdict(Decimal)
    seconds: dict[tuple[Stage, CapacityType], int] = defaultdict(int)
    for closed in ledger.closed:
        usd[closed.stage, closed.capacity_type] += closed.usd
        seconds[closed.stage, closed.capacity_type] += closed.pod_seconds
    for entry, end in closings:
        for share in _shares_of(entry, end, stages):
            usd[share.stage, share.capacity_type] += share.usd
            seconds[share.stage, share.capacity_type] += share.pod_seconds
    in_order = [(stage, kind) for stage in Stage for kind in CapacityType if (stage, kind) in usd]
    return tuple(
        ClosedCost(stage=key[0], capacity_type=key[1], usd=usd[key], pod_seconds=seconds[key])
        for key in in_order
    )
