"""A job is stopped: by its policy, by Ctrl-C, because it hangs, because its time is up."""

import pytest
from support.job_harness import JobHarness

from llmtrain_api.exit_codes import ExitCode, Outcome
from llmtrain_api.stages import StageGroup
from llmtrain_api.status import EvaluationResult, Failures, Phase, StageState
from llmtrain_lifecycle.decision import DeleteCluster, EnsureCluster, Stop
from llmtrain_lifecycle.status_text import write_time

_HANG = {"hangTimeoutSeconds": 60}
_DEADLINE = {"activeDeadlineSeconds": 100}


def _stopping(policy: dict[str, object], seconds: float) -> JobHarness:
    """A job that is asked to stop after some time."""
    harness = JobHarness("evaluate", policy=policy)
    harness.start()
    harness.wait(seconds)
    assert harness.reconcile().actions == (Stop(harness.running().submission_id),)
    assert harness.stage.state is StageState.STOPPING
    return harness


def test_suspend_stops_waits_and_gives_the_cluster_back_and_resume_goes_on() -> None:
    harness = JobHarness("data", "tokenizer")
    harness.start()
    harness.set_policy(suspend=True)
    assert harness.reconcile().actions == (Stop(harness.running().submission_id),)
    assert harness.stage.state is StageState.STOPPING
    assert harness.reconcile().actions == ()
    assert harness.stage.state is StageState.STOPPING

    harness.end_stopped()
    harness.reconcile()
    assert (harness.stage.state, harness.stage.run.next_attempt) == (StageState.PENDING, 1)
    assert harness.reconcile().actions == (DeleteCluster(harness.cluster_name),)
    assert harness.status.phase is Phase.SUSPENDED
    assert harness.stage.run.failures == Failures()

    harness.set_policy(suspend=False)
    harness.cluster_ready, harness.submission = False, None
    harness.reconcile()
    assert harness.cluster_name == "line-all-1"
    assert harness.reconcile().actions == (EnsureCluster(harness.cluster_name, StageGroup.ALL),)
    assert harness.status.phase is Phase.PENDING
    harness.cluster_ready = True
    harness.start()
    assert harness.attempt.submission_id == "line-01234567-data-1"


def test_ctrl_c_stops_like_suspend() -> None:
    harness = JobHarness("data")
    harness.start()
    assert harness.reconcile(stop_requested=True).actions == (
        Stop(harness.running().submission_id),
    )
    harness.end_stopped()
    harness.reconcile(stop_requested=True)
    harness.reconcile(stop_requested=True)
    assert harness.status.phase is Phase.SUSPENDED
    assert harness.stage.run.failures == Failures()


@pytest.mark.parametrize("how", ["stopped", "interrupted", "lost"])
def test_a_stop_whose_pass_was_lost_counts_no_failure(how: str) -> None:
    harness = JobHarness("data", policy={"retries": {"infrastructure": 0, "preemption": 0}})
    harness.start()
    harness.preview(stop_requested=True)
    if how == "stopped":
        harness.end_stopped()
    elif how == "interrupted":
        harness.end(ExitCode.INTERRUPTED)
    else:
        harness.submission, harness.cluster_ready = None, False
    harness.reconcile(stop_requested=True)
    harness.reconcile(stop_requested=True)
    assert harness.status.phase is Phase.SUSPENDED
    assert harness.stage.run.failures == Failures()


def test_an_application_failure_is_one_also_when_a_stop_was_wanted_meanwhile() -> None:
    harness = JobHarness("data", policy={"suspend": False, "retries": {"application": 0}})
    harness.start()
    harness.end(ExitCode.APPLICATION)
    harness.reconcile(stop_requested=True)
    assert harness.status.phase is Phase.FAILED


@pytest.mark.parametrize("cluster_ready", [True, False])
def test_suspend_before_the_submission_submits_nothing(*, cluster_ready: bool) -> None:
    harness = JobHarness("data")
    harness.reconcile()
    assert harness.stage.state is StageState.STARTING
    harness.set_policy(suspend=True)
    harness.cluster_ready = cluster_ready
    assert harness.reconcile().actions == ()
    harness.reconcile()
    assert harness.status.phase is Phase.SUSPENDED
    assert harness.stage.run.failures == Failures()


def test_a_job_that_is_created_suspended_starts_nothing() -> None:
    harness = JobHarness("data", policy={"suspend": True})
    harness.cluster_ready = False
    assert harness.reconcile().actions == ()
    assert harness.status.phase is Phase.SUSPENDED
    assert harness.status.start_time is None


@pytest.mark.parametrize("policy", [{"suspend": True}, _HANG, _DEADLINE])
def test_success_that_arrives_while_stopping_counts(policy: dict[str, object]) -> None:
    harness = JobHarness("evaluate")
    harness.start()
    harness.set_policy(**policy)
    harness.wait(1000)
    harness.reconcile()
    assert harness.stage.state is StageState.STOPPING
    measured = EvaluationResult(name="bitsPerByte", model="finetuned", value=1.0)
    harness.end(outcome=Outcome(reason="Completed", message="", evaluation=(measured,)))
    harness.reconcile()
    assert harness.stage.state is StageState.SUCCEEDED
    assert harness.status.evaluation == (measured,)
    harness.reconcile()
    assert harness.status.phase is Phase.SUCCEEDED


@pytest.mark.parametrize("policy", [{"suspend": True}, _HANG, _DEADLINE])
def test_a_users_fault_that_shows_while_stopping_counts(policy: dict[str, object]) -> None:
    harness = JobHarness("evaluate")
    harness.start()
    harness.set_policy(**policy)
    harness.wait(1000)
    harness.reconcile()
    measured = EvaluationResult(name="bitsPerByte", model="finetuned", value=9.0)
    harness.end(
        ExitCode.GATE, Outcome(reason="GateNotMet", message="too much", evaluation=(measured,))
    )
    harness.reconcile()
    assert harness.status.phase is Phase.FAILED
    assert harness.stage.run.reason == "GateNotMet"
    assert harness.status.evaluation == (measured,)


def test_a_hang_is_an_infrastructure_failure() -> None:
    harness = _stopping(_HANG, 60)
    harness.end_stopped()
    harness.reconcile()
    assert harness.stage.run.failures == Failures(infrastructure=1)
    assert (harness.stage.state, harness.stage.run.reason) == (StageState.PENDING, "Hang")
    assert "policy.hangTimeoutSeconds: 60" in (harness.stage.run.message or "")


def test_work_keeps_a_long_attempt_alive() -> None:
    harness = JobHarness("evaluate", policy=_HANG)
    harness.start()
    for _ in range(10):
        harness.wait(59)
        decision = harness.reconcile(progress=harness.report())
        assert decision.actions == ()
        assert decision.requeue_after_seconds == 60


def test_a_report_of_the_last_attempt_keeps_no_attempt_alive() -> None:
    harness = JobHarness("evaluate", policy=_HANG)
    harness.start()
    harness.wait(60)
    assert harness.reconcile(progress=harness.report(attempt=7)).actions != ()


def test_a_deadline_fails_the_job() -> None:
    harness = _stopping(_DEADLINE, 100)
    harness.end_stopped()
    harness.reconcile()
    assert harness.status.phase is Phase.FAILED
    assert (harness.stage.state, harness.stage.run.reason) == (
        StageState.FAILED,
        "DeadlineExceeded",
    )
    assert harness.stage.run.failures == Failures()


def test_a_running_stage_is_looked_at_again_when_its_time_is_up() -> None:
    harness = JobHarness(
        "evaluate", policy={"hangTimeoutSeconds": 60, "activeDeadlineSeconds": 100}
    )
    harness.start()
    harness.wait(30)
    assert harness.reconcile().requeue_after_seconds == 30
    harness.wait(20)
    assert harness.reconcile(progress=harness.report()).requeue_after_seconds == 50


def test_a_deadline_passes_while_the_cluster_is_awaited() -> None:
    harness = JobHarness("evaluate", policy=_DEADLINE)
    harness.cluster_ready = False
    assert harness.reconcile().requeue_after_seconds == 100
    harness.wait(100)
    assert harness.reconcile().actions == ()
    assert harness.status.phase is Phase.FAILED
    assert harness.stage.run.reason == "DeadlineExceeded"


def test_a_deadline_passes_while_the_next_attempt_is_awaited() -> None:
    harness = JobHarness("evaluate", policy=_DEADLINE)
    harness.start()
    harness.wait(98)
    harness.end(137)
    harness.reconcile()
    assert harness.reconcile().requeue_after_seconds == 2
    harness.wait(2)
    harness.reconcile()
    assert harness.status.phase is Phase.FAILED
    assert harness.stage.run.retry_time is None


def test_a_deadline_stands_still_while_the_job_is_suspended() -> None:
    harness = JobHarness("evaluate", policy={**_DEADLINE, "suspend": True})
    harness.reconcile()
    harness.set_policy(**_DEADLINE)
    harness.start()
    started = harness.status.start_time
    harness.set_policy(**_DEADLINE, suspend=True)
    harness.reconcile()
    harness.end_stopped()
    for _ in range(2):
        harness.reconcile()
    harness.wait(10_000)
    harness.reconcile()
    assert harness.status.phase is Phase.SUSPENDED
    harness.set_policy(**_DEADLINE)
    harness.submission = None
    resumed = write_time(harness.now)
    harness.start()
    assert harness.status.phase is Phase.RUNNING
    assert (harness.status.start_time, harness.status.active_time) == (started, resumed)


def test_an_attempt_that_does_not_obey_loses_its_cluster() -> None:
    harness = _stopping(_DEADLINE | _HANG, 100)
    harness.wait(59)
    assert harness.reconcile().requeue_after_seconds == 1
    assert harness.stage.state is StageState.STOPPING
    harness.wait(1)
    harness.reconcile()
    assert (harness.status.phase, harness.stage.run.reason) == (Phase.FAILED, "DeadlineExceeded")
    assert harness.reconcile().actions == (DeleteCluster(harness.cluster_name),)


def test_a_suspended_attempt_that_does_not_obey_goes_on_when_its_cluster_has_gone() -> None:
    harness = JobHarness("data", policy=_HANG)
    harness.start()
    harness.set_policy(suspend=True, **_HANG)
    harness.reconcile()
    harness.wait(60)
    harness.reconcile(progress=harness.report())
    assert (harness.stage.state, harness.attempt.stop_time) == (StageState.PENDING, None)
    assert harness.status.cluster is not None
    assert harness.status.cluster.released
    harness.reconcile()
    assert (harness.status.phase, harness.stage.run.next_attempt) == (Phase.SUSPENDED, 1)


def test_a_job_that_is_being_deleted_holds_no_compute() -> None:
    harness = JobHarness("data", policy=_DEADLINE)
    harness.start()
    harness.held_by = ("example.com/audit",)
    assert harness.reconcile().actions == (DeleteCluster(harness.cluster_name),)
    condition = harness.status.conditions[0]
    assert (harness.status.phase, condition.reason) == (Phase.SUSPENDED, "Deleting")
    assert condition.message.endswith("kept by example.com/audit")
    harness.cluster_ready, harness.submission = False, None
    harness.wait(1000)
    decision = harness.reconcile()
    assert (decision.actions, decision.requeue_after_seconds) == ((), None)
    assert harness.status.phase is Phase.SUSPENDED
