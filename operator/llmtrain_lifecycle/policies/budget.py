"""Whether a job has spent what it may cost."""

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
    """Where a job stands with its budget; the less grave first."""

    WITHIN = "WithinBudget"
    """It has not spent much of it, and is not going to, as far as is known."""
    NO_PRICES = "NoPrices"
    """It cannot be told what it has spent."""
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


def budget_view(budget: Budget | None, status: JobStatus, now: datetime) -> BudgetView | None:
    """Where a job stands with its budget; None where it has none, or nothing is known of its cost.

    A budget that was said to be spent stays so until it is another one: by its node's clock a Pod
    may turn out to have ended before that was noticed, and a suspended job would go on by itself.

    Args:
        budget: of its policy.
        status: of the job as it was written last.
        now: the time.
    """
    cost = status.cost
    if budget is None or cost is None:
        return None
    limit = Decimal(str(budget.max_usd))
    spent, rate = spent_usd(cost.ledger, now), usd_per_hour(cost.ledger)
    exceeded = _message(BudgetState.EXCEEDED, limit, cost)
    was_said = any(condition.message == exceeded for condition in status.conditions)
    state = BudgetState.EXCEEDED if was_said else _state(spent, limit, cost)
    turns = [turn - spent for turn in (limit * _NEARLY, limit) if turn > spent]
    is_spent = state is BudgetState.EXCEEDED
    return BudgetView(
        state=state,
        stops=is_spent and budget.action is BudgetAction.SUSPEND,
        fails=is_spent and budget.action is BudgetAction.FAIL,
        seconds_left=float(turns[0] / rate * _SECONDS_PER_HOUR) if turns and rate else None,
        message=_message(state, limit, cost),
    )


def without_prices(budget: Budget) -> BudgetView:
    """Where a job stands that nothing is known of the cost of."""
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
