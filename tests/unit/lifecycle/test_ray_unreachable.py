"""A Ray that does not answer holds nobody up for ever, and nothing runs twice because of it."""

from datetime import timedelta

import pytest
from support.passes import NOW, Passes

from llmtrain_api.status import Failures, Phase, StageState
from llmtrain_lifecycle.decision import DeleteCluster
from llmtrain_lifecycle.snapshot import ClusterState, Obstacle, RayUnreachable
from llmtrain_lifecycle.status_text import write_time

_WHY = "Ray cannot be reached: TimeoutError"


def _silent(seconds: float, **policy: object) -> Passes:
    """A job whose Ray has not answered for so long; its driver's progress cannot be read either."""
    passes = Passes("data", policy={"hangTimeoutSeconds": 600, **policy})
    passes.start()
    passes.submission = None
    passes.wait(seconds)
    passes.unreachable = RayUnreachable(seconds, _WHY)
    return passes


def test_a_moment_of_silence_is_no_news() -> None:
    passes = _silent(5)
    before = passes.status.conditions
    assert passes.make().actions == ()
    assert passes.status.conditions == before


def test_silence_is_told_and_the_attempt_goes_on() -> None:
    passes = _silent(45)
    assert passes.make().actions == ()
    assert passes.stage.state is StageState.RUNNING
    assert passes.status.conditions[0].reason == "RayUnreachable"
    assert _WHY in passes.status.conditions[0].message


def test_a_driver_that_works_is_not_given_up() -> None:
    passes = _silent(3000)
    passes.make(progress=passes.report())
    assert passes.stage.state is StageState.RUNNING


def test_a_silence_without_a_sign_of_work_costs_the_cluster() -> None:
    passes = _silent(600)
    passes.make()
    assert passes.stage.failures == Failures(infrastructure=1)
    assert passes.stage.reason == "RayUnreachable"
    passes.unreachable = None
    passes.start()
    assert passes.cluster_name == "line-all-1"


@pytest.mark.parametrize("state", ["running", "stopping"])
def test_what_cannot_be_told_to_stop_is_stopped_with_its_cluster(state: str) -> None:
    passes = _silent(0)
    passes.unreachable = None
    if state == "stopping":
        passes.submission = passes.running()
        passes.set_policy(suspend=True)
        passes.make()
        passes.submission = None
    passes.set_policy(suspend=True)
    passes.unreachable = RayUnreachable(59, _WHY)
    passes.make()
    assert passes.status.phase is Phase.RUNNING
    passes.unreachable = RayUnreachable(60, _WHY)
    passes.make()
    passes.unreachable = None
    passes.make()
    assert passes.make().actions == (DeleteCluster("line-all-0"),)
    assert passes.status.phase is Phase.SUSPENDED
    assert passes.stage.failures == Failures()


def test_a_deadline_holds_in_silence() -> None:
    passes = _silent(700, activeDeadlineSeconds=650, hangTimeoutSeconds=7200)
    passes.make()
    assert passes.status.phase is Phase.FAILED
    assert passes.stage.reason == "DeadlineExceeded"


def test_a_report_that_cannot_be_read_once_is_no_hang() -> None:
    passes = Passes("data", policy={"hangTimeoutSeconds": 60})
    passes.start()
    passes.wait(3600)
    passes.make(progress=passes.report())
    assert passes.make(progress=None).actions == ()
    assert passes.stage.state is StageState.RUNNING


def test_what_ray_refuses_to_start_is_told_and_in_the_end_given_up() -> None:
    passes = Passes("data", policy={"hangTimeoutSeconds": 60, "retries": {"infrastructure": 0}})
    passes.make()
    passes.refusal = Obstacle("SubmissionRefused", "Ray answered 500")
    passes.make()
    assert passes.status.conditions[0].reason == "SubmissionRefused"
    passes.wait(60)
    passes.make()
    assert passes.status.phase is Phase.FAILED
    assert passes.stage.reason == "SubmissionRefused"


def test_what_ray_will_never_start_is_given_up_at_once() -> None:
    passes = Passes("data")
    passes.make()
    passes.refusal = Obstacle("SubmissionRefused", "Ray answered 400", is_final=True)
    passes.make()
    assert passes.status.phase is Phase.FAILED
    assert passes.stage.attempt == 0
    assert passes.stage.message == "it could not be submitted: Ray answered 400"


def test_a_queue_that_takes_the_compute_away_preempts() -> None:
    passes = Passes("data", policy={"retries": {"infrastructure": 0}})
    passes.start()
    passes.submission, passes.cluster_state = None, ClusterState.SUSPENDED
    passes.make()
    assert passes.stage.failures == Failures(preemption=1)
    assert passes.stage.reason == "Evicted"
    passes.now = NOW + timedelta(days=2)
    queued = passes.make()
    assert queued.actions == ()
    assert passes.status.phase is Phase.PENDING
    assert passes.status.conditions[0].reason == "Queued"
    passes.cluster_state = ClusterState.READY
    passes.start()
    assert passes.cluster_name == "line-all-0"
    assert passes.stage.attempt_time == write_time(passes.now)
