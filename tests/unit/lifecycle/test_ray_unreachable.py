"""A Ray that does not answer holds nobody up for ever, and nothing runs twice because of it."""

from datetime import timedelta

import pytest
from support.job_harness import NOW, JobHarness

from llmtrain_api.status import Failures, Phase, StageState
from llmtrain_lifecycle.decision import DeleteCluster
from llmtrain_lifecycle.snapshot import ClusterState, Obstacle, RayUnreachable
from llmtrain_lifecycle.status_text import write_time

_WHY = "Ray cannot be reached: TimeoutError"


def _silent(seconds: float, **policy: object) -> JobHarness:
    """A job whose Ray has not answered for so long; its driver's progress cannot be read either."""
    harness = JobHarness("data", policy={"hangTimeoutSeconds": 600, **policy})
    harness.start()
    harness.submission = None
    harness.wait(seconds)
    harness.unreachable = RayUnreachable(seconds, _WHY)
    return harness


def test_a_short_silence_of_ray_is_ignored() -> None:
    harness = _silent(5)
    before = harness.status.conditions
    assert harness.reconcile().actions == ()
    assert harness.status.conditions == before


def test_a_silent_ray_is_reported_and_the_attempt_goes_on() -> None:
    harness = _silent(45)
    assert harness.reconcile().actions == ()
    assert harness.stage.state is StageState.RUNNING
    assert harness.status.conditions[0].reason == "RayUnreachable"
    assert _WHY in harness.status.conditions[0].message


def test_a_driver_that_works_is_not_given_up() -> None:
    harness = _silent(3000)
    harness.reconcile(progress=harness.report())
    assert harness.stage.state is StageState.RUNNING


def test_a_silence_without_a_sign_of_work_costs_the_cluster() -> None:
    harness = _silent(600)
    harness.reconcile()
    assert harness.stage.run.failures == Failures(infrastructure=1)
    assert harness.stage.run.reason == "RayUnreachable"
    harness.unreachable = None
    harness.start()
    assert harness.cluster_name == "line-all-1"


@pytest.mark.parametrize("state", ["running", "stopping"])
def test_an_attempt_that_cannot_be_stopped_is_stopped_with_its_cluster(state: str) -> None:
    harness = _silent(0)
    harness.unreachable = None
    if state == "stopping":
        harness.submission = harness.running()
        harness.set_policy(suspend=True)
        harness.reconcile()
        harness.submission = None
    harness.set_policy(suspend=True)
    harness.unreachable = RayUnreachable(59, _WHY)
    harness.reconcile()
    assert harness.status.phase is Phase.RUNNING
    harness.unreachable = RayUnreachable(60, _WHY)
    harness.reconcile()
    harness.unreachable = None
    harness.reconcile()
    assert harness.reconcile().actions == (DeleteCluster("line-all-0"),)
    assert harness.status.phase is Phase.SUSPENDED
    assert harness.stage.run.failures == Failures()


def test_a_deadline_holds_in_silence() -> None:
    harness = _silent(700, activeDeadlineSeconds=650, hangTimeoutSeconds=7200)
    harness.reconcile()
    assert harness.status.phase is Phase.FAILED
    assert harness.stage.run.reason == "DeadlineExceeded"


def test_a_report_that_cannot_be_read_once_is_no_hang() -> None:
    harness = JobHarness("data", policy={"hangTimeoutSeconds": 60})
    harness.start()
    harness.wait(3600)
    harness.reconcile(progress=harness.report())
    assert harness.reconcile(progress=None).actions == ()
    assert harness.stage.state is StageState.RUNNING


def test_a_submission_refused_by_ray_is_reported_and_given_up_in_the_end() -> None:
    harness = JobHarness(
        "data", policy={"hangTimeoutSeconds": 60, "retries": {"infrastructure": 0}}
    )
    harness.reconcile()
    harness.refusal = Obstacle("SubmissionRefused", "Ray answered 500")
    harness.reconcile()
    assert harness.status.conditions[0].reason == "SubmissionRefused"
    harness.wait(60)
    harness.reconcile()
    assert harness.status.phase is Phase.FAILED
    assert harness.stage.run.reason == "SubmissionRefused"


def test_what_ray_will_never_start_is_given_up_at_once() -> None:
    harness = JobHarness("data")
    harness.reconcile()
    harness.refusal = Obstacle("SubmissionRefused", "Ray answered 400", is_final=True)
    harness.reconcile()
    assert harness.status.phase is Phase.FAILED
    assert harness.attempt.number == 0
    assert harness.stage.run.message == "it could not be submitted: Ray answered 400"


def test_a_queue_that_takes_the_compute_away_preempts() -> None:
    harness = JobHarness("data", policy={"retries": {"infrastructure": 0}})
    harness.start()
    harness.submission, harness.cluster_state = None, ClusterState.SUSPENDED
    harness.reconcile()
    assert harness.stage.run.failures == Failures(preemption=1)
    assert harness.stage.run.reason == "Evicted"
    harness.now = NOW + timedelta(days=2)
    queued = harness.reconcile()
    assert queued.actions == ()
    assert harness.status.phase is Phase.QUEUED
    assert harness.status.conditions[0].reason == "Queued"
    harness.cluster_state = ClusterState.READY
    harness.start()
    assert harness.cluster_name == "line-all-0"
    assert harness.attempt.start_time == write_time(harness.now)
