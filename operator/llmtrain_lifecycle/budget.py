"""What a job says of its budget: a condition, which changes only with a turn."""

from llmtrain_api.status import Condition, ConditionStatus, JobStatus
from llmtrain_lifecycle.policies.budget import BudgetState, BudgetView, without_prices
from llmtrain_lifecycle.reconciliation import Reconciliation
from llmtrain_lifecycle.timestamps import write_time

CONDITION = "WithinBudget"
_HOLDS = {
    BudgetState.EXCEEDED: ConditionStatus.FALSE,
    BudgetState.NO_PRICES: ConditionStatus.UNKNOWN,
}


def with_budget(ctx: Reconciliation, after: JobStatus) -> JobStatus:
    """The status with the condition; without it where the job has no budget.

    Args:
        ctx: what the pass rests on.
        after: the status that the pass decided on.
    """
    others = tuple(each for each in after.conditions if each.type != CONDITION)
    before = next((each for each in ctx.status.conditions if each.type == CONDITION), None)
    if after.phase.terminal:
        kept = others if before is None else (*others, before)
        return after.model_copy(update={"conditions": kept})
    view = _view(ctx)
    if view is None:
        return after.model_copy(update={"conditions": others})
    status = _HOLDS.get(view.state, ConditionStatus.TRUE)
    since = before.last_transition_time if before and before.status is status else None
    condition = Condition(
        type=CONDITION,
        status=status,
        reason=view.state.value,
        message=view.message,
        observed_generation=ctx.generation,
        last_transition_time=since or write_time(ctx.now),
    )
    return after.model_copy(update={"conditions": (*others, condition)})


def _view(ctx: Reconciliation) -> BudgetView | None:
    budget = ctx.job.spec.policy.budget
    if ctx.budget is None and budget is not None and ctx.snapshot.paid is None:
        return without_prices(budget)
    return ctx.budget
