"""The budget policy: compares a job's cost and forecast with its budget."""

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from enum import StrEnum

from llmtrain_api.cost import Cost
from llmtrain_api.spec.policy import Budget, BudgetAction
from llmtrain_api.status import JobStatus
from llmtrain_lifecycle.money.ledger import spent_usd, usd_per_hour

_NEARLY = Decimal("0.8")
_SECONDS_PER_HOUR = 3600


class BudgetState(StrEnum):
    """State of a job's budget, in order of severity."""

    WITHIN = "WithinBudget"
    """Cost and forecast are below the budget."""
    NO_PRICES = "NoPrices"
    """The cost is unknown."""
    AT_RISK = "ForecastOverBudget"
    """The forecast is above the budget."""
    NEARLY_SPENT = "BudgetNearlySpent"
    """80 % of the budget is spent."""
    EXCEEDED = "BudgetExceeded"
    """The whole budget is spent."""


@dataclass(frozen=True)
class BudgetView:
    """The budget of a job at a time."""

    state: BudgetState
    stops: bool
    """Whether the job must hold no compute until the budget is raised."""
    fails: bool
    """Whether the job fails because of the budget."""
    seconds_left: float | None
    """Seconds until the next state at the current price; None if no other is in sight."""
    message: str
    """Message for people, without figures that change with time alone."""


def budget_view(budget: Budget | None, status: JobStatus, now: datetime) -> BudgetView | None:
    """The budget of a job; None without a budget, or if the cost is unknown.

    A spent budget stays spent until it is changed: a Pod may have ended, by its node's clock,
    before that was noticed, and a suspended job would resume by itself.

    Args:
        budget: budget of the job's policy.
        status: stored status of the job.
        now: current time.
    """
    cost = status.cost
    if budget is None or cost is None:
        return None
    limit = Decimal(str(budget.max_usd))
    spent, rate = spent_usd(cost.ledger, now), usd_per_hour(cost.ledger)
    exceeded = _message(BudgetState.EXCEEDED, limit, cost)
    was_said = any(condition.message == exceeded for condition in status.conditions)
    state = BudgetState.EXCEEDED if was_said else _state(spent, limit, cost)
    distances = [usd - spent for usd in (limit * _NEARLY, limit) if usd > spent]
    is_spent = state is BudgetState.EXCEEDED
    return BudgetView(
        state=state,
        stops=is_spent and budget.action is BudgetAction.SUSPEND,
        fails=is_spent and budget.action is BudgetAction.FAIL,
        seconds_left=float(distances[0] / rate * _SECONDS_PER_HOUR) if distances and rate else None,
        message=_message(state, limit, cost),
    )


def without_prices(budget: Budget) -> BudgetView:
    """The budget of a job with unknown cost."""
    message = (
        f"no prices are known, so {_field(Decimal(str(budget.max_usd)))} is not enforced; "
        "give the operator prices, or a laptop's run --price-per-hour"
    )
    return BudgetView(
        BudgetState.NO_PRICES, stops=False, fails=False, seconds_left=None, message=message
    )


def _state(spent: Decimal, limit: Decimal, cost: Cost) -> BudgetState:
    if spent >= limit:
        return BudgetState.EXCEEDED
    if spent >= limit * _NEARLY:
        return BudgetState.NEARLY_SPENT
    if max(cost.forecast_usd or 0, cost.forecast_at_least_usd or 0) > limit:
        return BudgetState.AT_RISK
    return BudgetState.NO_PRICES if cost.unpriced_pods else BudgetState.WITHIN


def _field(limit: Decimal) -> str:
    return f"policy.budget.maxUsd: {limit.normalize():f}"


def _message(state: BudgetState, limit: Decimal, cost: Cost) -> str:
    field = _field(limit)
    match state:
        case BudgetState.EXCEEDED:
            return f"the budget is spent ({field}); raise it to go on"
        case BudgetState.NEARLY_SPENT:
            return f"80 % of the budget are spent ({field})"
        case BudgetState.AT_RISK:
            return f"the job is going to cost more than its budget ({field})"
        case BudgetState.NO_PRICES:
            return (
                "some of its Pods have no price and count as free, so the budget is not enforced "
                f"for them ({field}); add their nodes or their GPUs to the operator's prices"
            )
        case BudgetState.WITHIN if cost.forecast_usd is None:
            return f"what the job is going to cost is not known yet ({field})"
        case BudgetState.WITHIN:
            return f"the budget suffices ({field})"
