"""The Events of a job: one for each transition, and none between transitions."""

import itertools

from support.job_harness import NOW

from llmtrain_api.status import Condition, ConditionStatus, JobStatus, Phase
from llmtrain_lifecycle.builders.events import events
from llmtrain_lifecycle.status_text import write_time


def _condition(kind: str, reason: str, *, holds: bool) -> Condition:
    return Condition(
        type=kind,
        status=ConditionStatus.TRUE if holds else ConditionStatus.FALSE,
        reason=reason,
        message=f"about {reason}",
        observed_generation=1,
        last_transition_time=write_time(NOW),
    )


def _status(reason: str, budget: str | None = None, phase: Phase = Phase.RUNNING) -> JobStatus:
    conditions = [_condition("Running", reason, holds=phase is Phase.RUNNING)]
    if budget is not None:
        conditions.append(_condition("WithinBudget", budget, holds=budget != "BudgetExceeded"))
    return JobStatus(phase=phase, conditions=tuple(conditions))


def _events(before: JobStatus, after: JobStatus) -> list[tuple[str, str]]:
    made = events("default", "small", "0123456789", before, after, NOW)
    return [(event["type"], event["reason"]) for event in made]


def test_a_transition_is_recorded_once() -> None:
    pending = _status("Queued", phase=Phase.PENDING)
    assert _events(JobStatus(), pending) == [("Normal", "Queued")]
    assert _events(pending, pending) == []
    assert _events(pending, _status("StageRunning")) == [("Normal", "StageRunning")]


def test_a_failure_is_a_warning() -> None:
    assert _events(_status("StageRunning"), _status("Unschedulable")) == [
        ("Warning", "Unschedulable")
    ]


def test_a_budget_hides_no_transition_of_its_job() -> None:
    before = _status("Queued", "WithinBudget", Phase.PENDING)
    after = _status("WaitingForCluster", "WithinBudget", Phase.PENDING)
    assert _events(before, after) == [("Normal", "WaitingForCluster")]


def test_transitions_of_a_budget_are_recorded() -> None:
    transitions = ["WithinBudget", "ForecastOverBudget", "BudgetNearlySpent", "BudgetExceeded"]
    statuses = [_status("StageRunning", transition) for transition in transitions]
    assert _events(_status("StageRunning"), statuses[0]) == []
    assert [_events(before, after) for before, after in itertools.pairwise(statuses)] == [
        [("Warning", transition)] for transition in transitions[1:]
    ]
    assert _events(statuses[3], statuses[0]) == [("Normal", "WithinBudget")]
