"""Whether a job has spent what it may cost."""

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from enum import StrEnum

from llmtrain_api.cost import Cost
from llmtrain_api.spec.policy import Budget, BudgetAction
from llmtrain_operator.core.money.ledger import spent_usd, usd_per_hour

_NEARLY = Decimal("0.8")
_SECONDS_PER_HOUR = 3600


class BudgetState(StrEnum):
    """Where a job stands with its budget; the less grave first."""

    WITHIN = "WithinBudget"
    """It has not spent much of it, and is not going to."""
    AT_RISK = "ForecastOverBudget"
    """It is going to need more."""
    NEARLY_SPENT = "BudgetNearlySpent"
    """80 % are spent."""
    EXCEEDED = "BudgetExceeded"
    """All is spent."""


@dataclass(frozen=True)
class BudgetView:
    """A job's budget now."""

    state: BudgetState
    stops: bool
    """Whether the job is to hold no compute until it is raised."""
    fails: bool
    """Whether the job has failed by it."""
    seconds_left: float | None
    """Until the next turn at the price now; None where none is in sight."""
    message: str
    """For people, without anything that changes while nothing happens."""


def budget_view(budget: Budget | None, cost: Cost | None, now: datetime) -> BudgetView | None:
    """Where a job stands with its budget; None where it has none, or nothing is known of its cost.

    Args:
        budget: of its policy.
        cost: the bill as it was written last.
        now: the time.
    """
    if budget is None or cost is None:
        return None
    limit = Decimal(str(budget.max_usd))
    spent, rate = spent_usd(cost.ledger, now), usd_per_hour(cost.ledger)
    state = _state(spent, limit, cost.forecast_usd)
    turns = [turn - spent for turn in (limit * _NEARLY, limit) if turn > spent]
    exceeded = state is BudgetState.EXCEEDED
    return BudgetView(
        state=state,
        stops=exceeded and budget.action is BudgetAction.SUSPEND,
        fails=exceeded and budget.action is BudgetAction.FAIL,
        seconds_left=float(turns[0] / rate * _SECONDS_PER_HOUR) if turns and rate else None,
        message=_message(state, limit),
    )


def _state(spent: Decimal, limit: Decimal, forecast: Decimal | None) -> BudgetState:
    if spent >= limit:
        return BudgetState.EXCEEDED
    if spent >= limit * _NEARLY:
        return BudgetState.NEARLY_SPENT
    if forecast is not None and forecast > limit:
        return BudgetState.AT_RISK
    return BudgetState.WITHIN


def _message(state: BudgetState, limit: Decimal) -> str:
    field = f"policy.budget.maxUsd: {limit.normalize():f}"
    match state:
        case BudgetState.EXCEEDED:
            return f"the budget is spent ({field}); raise it to go on"
        case BudgetState.NEARLY_SPENT:
            return f"80 % of the budget are spent ({field})"
        case BudgetState.AT_RISK:
            return f"the job is going to cost more than its budget ({field})"
        case BudgetState.WITHIN:
            return f"the budget suffices ({field})"
