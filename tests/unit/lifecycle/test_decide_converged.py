"""A job that has converged is left alone, and a job that has ended stays so."""

import pytest
from support.job_harness import JobHarness

from llmtrain_api.exit_codes import ExitCode
from llmtrain_api.status import ConditionStatus, Phase
from llmtrain_lifecycle.decision import DeleteCluster


def _ended(exit_code: int) -> JobHarness:
    harness = JobHarness("data")
    harness.start()
    harness.end(exit_code)
    harness.reconcile()
    harness.reconcile()
    assert harness.status.phase.terminal
    return harness


def _suspended() -> JobHarness:
    harness = JobHarness("data", policy={"suspend": True})
    harness.reconcile()
    return harness


def _running() -> JobHarness:
    harness = JobHarness("data")
    harness.start()
    return harness


@pytest.mark.parametrize(
    "harness",
    [_ended(ExitCode.DONE), _ended(ExitCode.USER), _suspended()],
    ids=["succeeded", "failed", "suspended"],
)
def test_a_job_at_rest_is_left_alone(harness: JobHarness) -> None:
    harness.cluster_ready, harness.submission = False, None
    for _ in range(3):
        before = harness.status
        harness.wait(3600)
        decision = harness.reconcile()
        assert decision.status == before
        assert decision.actions == ()
        assert decision.requeue_after_seconds is None


def test_an_unchanged_running_stage_is_left_alone() -> None:
    harness = _running()
    harness.reconcile(progress=harness.report())
    before = harness.status
    for _ in range(3):
        harness.wait(1)
        decision = harness.reconcile(progress=harness.report())
        assert decision.status == before
        assert decision.actions == ()


@pytest.mark.parametrize("exit_code", [ExitCode.DONE, ExitCode.USER])
def test_nothing_revives_a_job_that_has_ended(exit_code: int) -> None:
    harness = _ended(exit_code)
    phase, stages = harness.status.phase, harness.status.stages
    for policy in ({"suspend": True}, {"suspend": False}, {"retries": {"application": 1000}}):
        harness.set_policy(**policy)
        decision = harness.reconcile(progress=harness.report(), stop_requested=True)
        assert decision.actions == (DeleteCluster(harness.cluster_name),)
        assert (harness.status.phase, harness.status.stages) == (phase, stages)


def test_a_change_of_a_job_that_has_ended_is_seen() -> None:
    """`kubectl wait` does not believe a condition of an older generation."""
    harness = _ended(ExitCode.DONE)
    before = harness.status
    harness.set_policy(suspend=True)
    harness.reconcile()
    assert harness.status.observed_generation == harness.generation
    assert {c.observed_generation for c in harness.status.conditions} == {harness.generation}
    assert harness.status.phase is Phase.SUCCEEDED
    for old, new in zip(before.conditions, harness.status.conditions, strict=True):
        assert new.status is old.status
        assert new.last_transition_time == old.last_transition_time
    succeeded = next(c for c in harness.status.conditions if c.type == "Succeeded")
    assert succeeded.status is ConditionStatus.TRUE


def test_a_cluster_that_a_suspended_job_still_holds_is_given_back() -> None:
    harness = _suspended()
    assert harness.reconcile().actions == (DeleteCluster(harness.cluster_name),)
