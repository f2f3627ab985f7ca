"""The conditions of a job, by the Kubernetes API conventions."""

from datetime import datetime

from llmtrain_api.status import MESSAGE_MAX_LENGTH, Condition, ConditionStatus, Phase
from llmtrain_operator.core.timestamps import write_time

_PHASE_OF_CONDITION = {
    "Running": Phase.RUNNING,
    "Suspended": Phase.SUSPENDED,
    "Succeeded": Phase.SUCCEEDED,
    "Failed": Phase.FAILED,
}


def conditions_of(
    phase: Phase,
    reason: str,
    message: str,
    *,
    before: tuple[Condition, ...],
    generation: int,
    now: datetime,
) -> tuple[Condition, ...]:
    """One condition for each phase that can be waited for; the current one's is true.

    Args:
        phase: of the job.
        reason: CamelCase, for programs.
        message: for people.
        before: the conditions of the last pass; a transition time moves only with the status.
        generation: of the resource.
        now: the time of this pass.
    """
    known = {condition.type: condition for condition in before}
    conditions = []
    for kind, its_phase in _PHASE_OF_CONDITION.items():
        status = ConditionStatus.TRUE if phase is its_phase else ConditionStatus.FALSE
        last = known.get(kind)
        unchanged = last is not None and last.status is status
        conditions.append(
            Condition(
                type=kind,
                status=status,
                reason=reason,
                message=message[:MESSAGE_MAX_LENGTH],
                observed_generation=generation,
                last_transition_time=last.last_transition_time
                if last and unchanged
                else write_time(now),
            )
        )
    return tuple(conditions)
