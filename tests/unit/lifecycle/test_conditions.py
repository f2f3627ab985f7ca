"""Conditions as `kubectl wait` and people read them."""

from datetime import timedelta

import pytest
from support.job_harness import NOW

from llmtrain_api.status import Condition, ConditionStatus, JobStatus, Phase
from llmtrain_lifecycle.conditions import conditions_of
from llmtrain_lifecycle.status_text import write_time

_LATER = NOW + timedelta(seconds=90)


def _conditions(
    phase: Phase,
    before: tuple[Condition, ...] = (),
    *,
    reason: str = "StageRunning",
    message: str = "",
) -> dict[str, Condition]:
    now = _LATER if before else NOW
    made = conditions_of(phase, reason, message, before=before, generation=7, now=now)
    JobStatus.model_validate_json(JobStatus(conditions=made).model_dump_json())
    return {condition.type: condition for condition in made}


_OF_PHASES = {"Running", "Suspended", "Succeeded", "Failed"}
_FOR_KSTATUS = {"Ready", "Reconciling", "Stalled"}


def _true(conditions: dict[str, Condition]) -> set[str]:
    return {c.type for c in conditions.values() if c.status is ConditionStatus.TRUE}


@pytest.mark.parametrize("phase", Phase)
def test_the_phases_own_condition_is_the_one_that_is_true(phase: Phase) -> None:
    conditions = _conditions(phase)
    assert set(conditions) == _OF_PHASES | _FOR_KSTATUS
    assert _true(conditions) & _OF_PHASES == {phase} & _OF_PHASES
    assert {c.observed_generation for c in conditions.values()} == {7}


@pytest.mark.parametrize(
    ("phase", "reason", "true"),
    [
        (Phase.QUEUED, "Queued", {"Reconciling"}),
        (Phase.PENDING, "WaitingForCluster", {"Reconciling"}),
        (Phase.STARTING, "StageRunning", {"Reconciling"}),
        (Phase.PENDING, "InvalidSpec", {"Stalled"}),
        (Phase.RUNNING, "StageRunning", {"Ready"}),
        (Phase.SUSPENDED, "Suspended", set()),
        (Phase.SUCCEEDED, "Completed", {"Ready"}),
        (Phase.FAILED, "StageFailed", {"Stalled"}),
    ],
)
def test_what_gitops_tools_see(phase: Phase, reason: str, true: set[str]) -> None:
    assert _true(_conditions(phase, reason=reason)) & _FOR_KSTATUS == true


def test_a_transition_time_moves_only_with_the_status() -> None:
    before = tuple(_conditions(Phase.RUNNING).values())
    same = _conditions(Phase.RUNNING, before, reason="BackingOff", message="again in 5 s")
    assert {c.last_transition_time for c in same.values()} == {write_time(NOW)}
    assert same["Running"].reason == "BackingOff"
    ended = _conditions(Phase.FAILED, before)
    assert {kind: c.last_transition_time for kind, c in ended.items()} == {
        "Running": write_time(_LATER),
        "Suspended": write_time(NOW),
        "Succeeded": write_time(NOW),
        "Failed": write_time(_LATER),
        "Ready": write_time(_LATER),
        "Reconciling": write_time(NOW),
        "Stalled": write_time(_LATER),
    }


def test_a_long_message_is_cut_to_what_the_status_holds() -> None:
    failed = _conditions(Phase.FAILED, message="m" * 50_000)["Failed"]
    assert failed.message == "m" * 4096


def test_what_others_wrote_cannot_move_a_cursor() -> None:
    shown = _conditions(Phase.FAILED, message="webhook: \x1b[2Jgone\u202e\nnext line")["Failed"]
    assert shown.message == "webhook: \\x1b[2Jgone\\u202e\nnext line"
