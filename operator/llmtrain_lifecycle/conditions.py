"""The conditions of a job, by the Kubernetes API conventions."""

from datetime import datetime

from llmtrain_api.status import Condition, ConditionStatus, JobStatus, Phase
from llmtrain_lifecycle.policies.budget import BudgetState, BudgetView, without_prices
from llmtrain_lifecycle.reconciliation import Reconciliation
from llmtrain_lifecycle.status_text import for_status, write_time

INVALID_SPEC = "InvalidSpec"
"""Reason of a job whose manifest the API server accepted but the operator does not understand."""
_PHASES = (Phase.RUNNING, Phase.SUSPENDED, Phase.SUCCEEDED, Phase.FAILED)
_HEALTHY = {Phase.RUNNING, Phase.SUCCEEDED}


def conditions_of(
    phase: Phase,
    reason: str,
    message: str,
    *,
    before: tuple[Condition, ...],
    generation: int,
    now: datetime,
) -> tuple[Condition, ...]:
    """One condition for each phase to wait for, and three for GitOps tools.

    The condition of the current phase is true; a job that waits to run has no true one. `Ready`,
    `Reconciling` and `Stalled` are what Flux and others that use kstatus look at: a stalled job
    needs somebody to change something.

    Args:
        phase: phase of the job.
        reason: CamelCase, for programs.
        message: explanation for people.
        before: conditions of the last reconcile; a transition time changes only with the status.
        generation: generation of the resource.
        now: time of this reconcile.
    """
    holds = {its_phase.value: phase is its_phase for its_phase in _PHASES}
    holds["Ready"] = phase in _HEALTHY
    holds["Stalled"] = phase is Phase.FAILED or reason == INVALID_SPEC
    holds["Reconciling"] = phase.waiting and not holds["Stalled"]
    known = {condition.type: condition for condition in before}
    conditions = []
    for kind, is_true in holds.items():
        status = ConditionStatus.TRUE if is_true else ConditionStatus.FALSE
        last = known.get(kind)
        unchanged = last is not None and last.status is status
        conditions.append(
            Condition(
                type=kind,
                status=status,
                reason=reason,
                message=for_status(message),
                observed_generation=generation,
                last_transition_time=last.last_transition_time
                if last and unchanged
                else write_time(now),
            )
        )
    return tuple(conditions)


WITHIN_BUDGET = "WithinBudget"
_HOLDS = {
    BudgetState.EXCEEDED: ConditionStatus.FALSE,
    BudgetState.NO_PRICES: ConditionStatus.UNKNOWN,
}


def with_budget(ctx: Reconciliation, after: JobStatus) -> JobStatus:
    """The status with the condition of the budget; without it if the job has no budget.

    Args:
        ctx: context of the reconcile.
        after: the decided status.
    """
    others = tuple(each for each in after.conditions if each.type != WITHIN_BUDGET)
    before = next((each for each in ctx.status.conditions if each.type == WITHIN_BUDGET), None)
    if after.phase.terminal:
        kept = others if before is None else (*others, before)
        return after.replace(conditions=kept)
    view = _view(ctx)
    if view is None:
        return after.replace(conditions=others)
    status = _HOLDS.get(view.state, ConditionStatus.TRUE)
    since = before.last_transition_time if before and before.status is status else None
    condition = Condition(
        type=WITHIN_BUDGET,
        status=status,
        reason=view.state.value,
        message=view.message,
        observed_generation=ctx.generation,
        last_transition_time=since or write_time(ctx.now),
    )
    return after.replace(conditions=(*others, condition))


def _view(ctx: Reconciliation) -> BudgetView | None:
    budget = ctx.job.spec.policy.budget
    if ctx.budget is None and budget is not None and ctx.snapshot.paid is None:
        return without_prices(budget)
    return ctx.budget
