"""What the run did cost, line by line."""

from dataclasses import dataclass
from decimal import Decimal

from llmtrain_api.cost import CapacityType, Cost

_KINDS = {CapacityType.ON_DEMAND: "on demand", CapacityType.SPOT: "spot"}


@dataclass(frozen=True)
class Line:
    """One line of the bill."""

    what: str
    usd: str
    note: str = ""


def bill_lines(cost: Cost) -> tuple[Line, ...]:
    """The stages, then what they come to, then what is to be known of that."""
    stages = [Line(each.stage.value, _usd(each.usd)) for each in cost.by_stage]
    kinds = [
        Line(f"of it {_KINDS[each.capacity_type]}", _usd(each.usd))
        for each in cost.by_capacity_type
    ]
    known = (
        ("planned for training", cost.planned_usd, "by llmtrain plan, at the same price"),
        ("per million tokens", cost.usd_per_million_tokens, "of the stage that trains first"),
    )
    return (
        *stages,
        Line("spent", _usd(cost.spent_usd)),
        *kinds,
        Line("of it wasted", _usd(cost.wasted_usd), "lost work, new starts, waiting with Pods"),
        *(
            [Line("of it estimated", _usd(cost.estimated_usd), "for Pods whose end nobody saw")]
            if cost.estimated_usd
            else []
        ),
        *(Line(what, _usd(usd), note) for what, usd, note in known if usd is not None),
    )


def _usd(amount: Decimal) -> str:
    return f"{amount:,.4f}" if amount < 1 else f"{amount:,.2f}"
