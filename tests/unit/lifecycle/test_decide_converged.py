"""A job that has converged is left alone, and a job that has ended stays so."""

import pytest
from support.passes import Passes

from llmtrain_api.exit_codes import ExitCode
from llmtrain_api.status import ConditionStatus, Phase
from llmtrain_lifecycle.decision import DeleteCluster


def _ended(exit_code: int) -> Passes:
    passes = Passes("data")
    passes.start()
    passes.end(exit_code)
    passes.make()
    passes.make()
    assert passes.status.phase.terminal
    return passes


def _suspended() -> Passes:
    passes = Passes("data", policy={"suspend": True})
    passes.make()
    return passes


def _running() -> Passes:
    passes = Passes("data")
    passes.start()
    return passes


@pytest.mark.parametrize(
    "passes",
    [_ended(ExitCode.DONE), _ended(ExitCode.USER), _suspended()],
    ids=["succeeded", "failed", "suspended"],
)
def test_a_job_at_rest_is_left_alone(passes: Passes) -> None:
    passes.cluster_ready, passes.submission = False, None
    for _ in range(3):
        before = passes.status
        passes.wait(3600)
        decision = passes.make()
        assert decision.status == before
        assert decision.actions == ()
        assert decision.requeue_after_seconds is None


def test_a_running_stage_without_news_is_left_alone() -> None:
    passes = _running()
    passes.make(progress=passes.report())
    before = passes.status
    for _ in range(3):
        passes.wait(1)
        decision = passes.make(progress=passes.report())
        assert decision.status == before
        assert decision.actions == ()


@pytest.mark.parametrize("exit_code", [ExitCode.DONE, ExitCode.USER])
def test_nothing_revives_a_job_that_has_ended(exit_code: int) -> None:
    passes = _ended(exit_code)
    phase, stages = passes.status.phase, passes.status.stages
    for policy in ({"suspend": True}, {"suspend": False}, {"retries": {"application": 1000}}):
        passes.set_policy(**policy)
        decision = passes.make(progress=passes.report(), stop_requested=True)
        assert decision.actions == (DeleteCluster(passes.cluster_name),)
        assert (passes.status.phase, passes.status.stages) == (phase, stages)


def test_a_change_of_a_job_that_has_ended_is_seen() -> None:
    """`kubectl wait` does not believe a condition of an older generation."""
    passes = _ended(ExitCode.DONE)
    before = passes.status
    passes.set_policy(suspend=True)
    passes.make()
    assert passes.status.observed_generation == passes.generation
    assert {c.observed_generation for c in passes.status.conditions} == {passes.generation}
    assert passes.status.phase is Phase.SUCCEEDED
    for old, new in zip(before.conditions, passes.status.conditions, strict=True):
        assert new.status is old.status
        assert new.last_transition_time == old.last_transition_time
    succeeded = next(c for c in passes.status.conditions if c.type == "Succeeded")
    assert succeeded.status is ConditionStatus.TRUE


def test_a_cluster_that_a_suspended_job_still_holds_is_given_back() -> None:
    passes = _suspended()
    assert passes.make().actions == (DeleteCluster(passes.cluster_name),)
