"""The bill of a run, line by line: hours, price and cost."""

from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal

from llmtrain_api.cost import CapacityType, ClosedCost, Cost, OpenPods, PriceSource
from llmtrain_lifecycle.money.amounts import amount, seconds_between
from llmtrain_lifecycle.status_text import read_time

_KINDS = {CapacityType.ON_DEMAND: "on demand", CapacityType.SPOT: "spot"}
_SECONDS_PER_HOUR = 3600


@dataclass(frozen=True)
class Line:
    """One line of the bill."""

    what: str
    usd: str
    hours: str = ""
    """Hours of all Pods together; empty on a line without Pods."""
    usd_per_hour: str = ""
    """Price of each Pod."""
    note: str = ""
    is_sum: bool = False


def bill_lines(cost: Cost, *, ended: bool) -> tuple[Line, ...]:
    """Lines of the bill: the Pods, the total, and notes on the total.

    Args:
        cost: cost of the job.
        ended: whether the job has ended; an ended job has no forecast.
    """
    return tuple(_lines(cost, _Writer(cost.spent_usd), ended=ended))


class _Writer:
    """Writes amounts of money with equal numbers of decimals, so that they align.

    Args:
        spent: total of the bill.
    """

    def __init__(self, spent: Decimal) -> None:
        self._places = _places(spent)

    def __call__(self, usd: Decimal) -> str:
        return f"{usd:,.{self._places}f}"


def _lines(cost: Cost, usd: _Writer, *, ended: bool) -> Iterator[Line]:
    yield from (_ended(each, usd) for each in cost.ledger.closed)
    yield from (_at_work(each, cost, usd) for each in cost.ledger.open)
    yield Line("spent", usd(cost.spent_usd), is_sum=True)
    yield from _parts(cost, usd)
    note = "lost work, new starts, waiting with Pods"
    yield Line("of it wasted", usd(cost.wasted_usd), note=note)
    if cost.estimated_usd:
        note = "for Pods whose end nobody saw"
        yield Line("of it estimated", usd(cost.estimated_usd), note=note)
    if cost.forecast_usd is not None and not ended:
        note = "forecast, by its speed so far"
        yield Line("at the end", usd(cost.forecast_usd), note=note)
    if cost.planned_usd is not None:
        note = "by llmtrain plan, at the same price"
        yield Line("planned for training", usd(cost.planned_usd), note=note)
    if cost.usd_per_million_tokens is not None:
        note = "of the stage that trains first"
        yield Line("per million tokens", _exact(cost.usd_per_million_tokens), note=note)


def _ended(cost: ClosedCost, usd: _Writer) -> Line:
    """Line of ended Pods of one stage and one capacity type, at their average price."""
    hours = Decimal(cost.pod_seconds) / _SECONDS_PER_HOUR
    return Line(
        f"{cost.stage.value}, {_KINDS[cost.capacity_type]}",
        usd(cost.usd),
        hours=_exact(hours),
        usd_per_hour=_exact(cost.usd / hours) if hours else "",
    )


def _at_work(pods: OpenPods, cost: Cost, usd: _Writer) -> Line:
    """Line of running Pods with the same price and start."""
    count, start = len(pods.uids), read_time(pods.start)
    seconds = seconds_between(start, read_time(cost.observed_time))
    note = f"{count} Pod{'s' if count > 1 else ''} since {start:%Y-%m-%d %H:%M} UTC"
    return Line(
        f"{pods.group.value}, {_KINDS[pods.capacity_type]}",
        usd(count * amount(pods.usd_per_hour, seconds)),
        hours=_exact(count * Decimal(seconds) / _SECONDS_PER_HOUR),
        usd_per_hour=_exact(pods.usd_per_hour),
        note=f"{note}; no price is known" if pods.source is PriceSource.NONE else note,
    )


def _parts(cost: Cost, usd: _Writer) -> Iterator[Line]:
    """Subtotals by stage and by capacity type, unless they repeat a line above."""
    lines = len(cost.ledger.closed) + len(cost.ledger.open)
    by_stage = {each.stage.value: each.usd for each in cost.by_stage}
    by_kind = {_KINDS[each.capacity_type]: each.usd for each in cost.by_capacity_type}
    for parts in (by_stage, by_kind):
        if lines > len(parts) > 1:
            yield from (Line(f"of it {name}", usd(part)) for name, part in parts.items())


def _exact(number: Decimal) -> str:
    """The exact amount, for checking the arithmetic."""
    return f"{number:,.{_places(number)}f}"


def _places(number: Decimal) -> int:
    return 4 if number < 1 else 2
