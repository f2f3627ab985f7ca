"""A job is stopped: by its policy, by Ctrl-C, because it hangs, because its time is up."""

import pytest
from support.passes import Passes

from llmtrain_api.exit_codes import ExitCode, Outcome
from llmtrain_api.stages import StageGroup
from llmtrain_api.status import EvaluationResult, Failures, Phase, StageState
from llmtrain_lifecycle.decision import DeleteCluster, EnsureCluster, Stop
from llmtrain_lifecycle.status_text import write_time

_HANG = {"hangTimeoutSeconds": 60}
_DEADLINE = {"activeDeadlineSeconds": 100}


def _stopping(policy: dict[str, object], seconds: float) -> Passes:
    """A job that is told to stop because so much time went by."""
    passes = Passes("evaluate", policy=policy)
    passes.start()
    passes.wait(seconds)
    assert passes.make().actions == (Stop(passes.running().submission_id),)
    assert passes.stage.state is StageState.STOPPING
    return passes


def test_suspend_stops_waits_and_gives_the_cluster_back_and_resume_goes_on() -> None:
    passes = Passes("data", "tokenizer")
    passes.start()
    passes.set_policy(suspend=True)
    assert passes.make().actions == (Stop(passes.running().submission_id),)
    assert passes.stage.state is StageState.STOPPING
    assert passes.make().actions == ()
    assert passes.stage.state is StageState.STOPPING

    passes.end_stopped()
    passes.make()
    assert (passes.stage.state, passes.stage.attempt) == (StageState.PENDING, 1)
    assert passes.make().actions == (DeleteCluster(passes.cluster_name),)
    assert passes.status.phase is Phase.SUSPENDED
    assert passes.stage.failures == Failures()

    passes.set_policy(suspend=False)
    passes.cluster_ready, passes.submission = False, None
    passes.make()
    assert passes.cluster_name == "line-all-1"
    assert passes.make().actions == (EnsureCluster(passes.cluster_name, StageGroup.ALL),)
    assert passes.status.phase is Phase.PENDING
    passes.cluster_ready = True
    passes.start()
    assert passes.stage.submission_id == "line-01234567-data-1"


def test_ctrl_c_stops_like_suspend() -> None:
    passes = Passes("data")
    passes.start()
    assert passes.make(stop_requested=True).actions == (Stop(passes.running().submission_id),)
    passes.end_stopped()
    passes.make(stop_requested=True)
    passes.make(stop_requested=True)
    assert passes.status.phase is Phase.SUSPENDED
    assert passes.stage.failures == Failures()


@pytest.mark.parametrize("how", ["stopped", "interrupted", "lost"])
def test_a_stop_whose_pass_was_lost_counts_no_failure(how: str) -> None:
    passes = Passes("data", policy={"retries": {"infrastructure": 0, "preemption": 0}})
    passes.start()
    passes.look(stop_requested=True)
    if how == "stopped":
        passes.end_stopped()
    elif how == "interrupted":
        passes.end(ExitCode.INTERRUPTED)
    else:
        passes.submission, passes.cluster_ready = None, False
    passes.make(stop_requested=True)
    passes.make(stop_requested=True)
    assert passes.status.phase is Phase.SUSPENDED
    assert passes.stage.failures == Failures()


def test_an_application_failure_is_one_also_when_a_stop_was_wanted_meanwhile() -> None:
    passes = Passes("data", policy={"suspend": False, "retries": {"application": 0}})
    passes.start()
    passes.end(ExitCode.APPLICATION)
    passes.make(stop_requested=True)
    assert passes.status.phase is Phase.FAILED


@pytest.mark.parametrize("cluster_ready", [True, False])
def test_suspend_before_the_submission_submits_nothing(*, cluster_ready: bool) -> None:
    passes = Passes("data")
    passes.make()
    assert passes.stage.state is StageState.STARTING
    passes.set_policy(suspend=True)
    passes.cluster_ready = cluster_ready
    assert passes.make().actions == ()
    passes.make()
    assert passes.status.phase is Phase.SUSPENDED
    assert passes.stage.failures == Failures()


def test_a_job_that_is_created_suspended_starts_nothing() -> None:
    passes = Passes("data", policy={"suspend": True})
    passes.cluster_ready = False
    assert passes.make().actions == ()
    assert passes.status.phase is Phase.SUSPENDED
    assert passes.status.start_time is None


@pytest.mark.parametrize("policy", [{"suspend": True}, _HANG, _DEADLINE])
def test_success_that_arrives_while_stopping_counts(policy: dict[str, object]) -> None:
    passes = Passes("evaluate")
    passes.start()
    passes.set_policy(**policy)
    passes.wait(1000)
    passes.make()
    assert passes.stage.state is StageState.STOPPING
    measured = EvaluationResult(name="bitsPerByte", model="finetuned", value=1.0)
    passes.end(outcome=Outcome(reason="Completed", message="", evaluation=(measured,)))
    passes.make()
    assert passes.stage.state is StageState.SUCCEEDED
    assert passes.status.evaluation == (measured,)
    passes.make()
    assert passes.status.phase is Phase.SUCCEEDED


@pytest.mark.parametrize("policy", [{"suspend": True}, _HANG, _DEADLINE])
def test_a_users_fault_that_shows_while_stopping_counts(policy: dict[str, object]) -> None:
    passes = Passes("evaluate")
    passes.start()
    passes.set_policy(**policy)
    passes.wait(1000)
    passes.make()
    measured = EvaluationResult(name="bitsPerByte", model="finetuned", value=9.0)
    passes.end(
        ExitCode.GATE, Outcome(reason="GateNotMet", message="too much", evaluation=(measured,))
    )
    passes.make()
    assert passes.status.phase is Phase.FAILED
    assert passes.stage.reason == "GateNotMet"
    assert passes.status.evaluation == (measured,)


def test_a_hang_is_an_infrastructure_failure() -> None:
    passes = _stopping(_HANG, 60)
    passes.end_stopped()
    passes.make()
    assert passes.stage.failures == Failures(infrastructure=1)
    assert (passes.stage.state, passes.stage.reason) == (StageState.PENDING, "Hang")
    assert "policy.hangTimeoutSeconds: 60" in (passes.stage.message or "")


def test_work_keeps_a_long_attempt_alive() -> None:
    passes = Passes("evaluate", policy=_HANG)
    passes.start()
    for _ in range(10):
        passes.wait(59)
        decision = passes.make(progress=passes.report())
        assert decision.actions == ()
        assert decision.requeue_after_seconds == 60


def test_a_report_of_the_last_attempt_keeps_no_attempt_alive() -> None:
    passes = Passes("evaluate", policy=_HANG)
    passes.start()
    passes.wait(60)
    assert passes.make(progress=passes.report(attempt=7)).actions != ()


def test_a_deadline_fails_the_job() -> None:
    passes = _stopping(_DEADLINE, 100)
    passes.end_stopped()
    passes.make()
    assert passes.status.phase is Phase.FAILED
    assert (passes.stage.state, passes.stage.reason) == (StageState.FAILED, "DeadlineExceeded")
    assert passes.stage.failures == Failures()


def test_a_running_stage_is_looked_at_again_when_its_time_is_up() -> None:
    passes = Passes("evaluate", policy={"hangTimeoutSeconds": 60, "activeDeadlineSeconds": 100})
    passes.start()
    passes.wait(30)
    assert passes.make().requeue_after_seconds == 30
    passes.wait(20)
    assert passes.make(progress=passes.report()).requeue_after_seconds == 50


def test_a_deadline_passes_while_the_cluster_is_awaited() -> None:
    passes = Passes("evaluate", policy=_DEADLINE)
    passes.cluster_ready = False
    assert passes.make().requeue_after_seconds == 100
    passes.wait(100)
    assert passes.make().actions == ()
    assert passes.status.phase is Phase.FAILED
    assert passes.stage.reason == "DeadlineExceeded"


def test_a_deadline_passes_while_the_next_attempt_is_awaited() -> None:
    passes = Passes("evaluate", policy=_DEADLINE)
    passes.start()
    passes.wait(98)
    passes.end(137)
    passes.make()
    assert passes.make().requeue_after_seconds == 2
    passes.wait(2)
    passes.make()
    assert passes.status.phase is Phase.FAILED
    assert passes.stage.retry_time is None


def test_a_deadline_stands_still_while_the_job_is_suspended() -> None:
    passes = Passes("evaluate", policy={**_DEADLINE, "suspend": True})
    passes.make()
    passes.set_policy(**_DEADLINE)
    passes.start()
    started = passes.status.start_time
    passes.set_policy(**_DEADLINE, suspend=True)
    passes.make()
    passes.end_stopped()
    for _ in range(2):
        passes.make()
    passes.wait(10_000)
    passes.make()
    assert passes.status.phase is Phase.SUSPENDED
    passes.set_policy(**_DEADLINE)
    passes.submission = None
    resumed = write_time(passes.now)
    passes.start()
    assert passes.status.phase is Phase.RUNNING
    assert (passes.status.start_time, passes.status.active_time) == (started, resumed)


def test_an_attempt_that_does_not_obey_loses_its_cluster() -> None:
    passes = _stopping(_DEADLINE | _HANG, 100)
    passes.wait(59)
    assert passes.make().requeue_after_seconds == 1
    assert passes.stage.state is StageState.STOPPING
    passes.wait(1)
    passes.make()
    assert (passes.status.phase, passes.stage.reason) == (Phase.FAILED, "DeadlineExceeded")
    assert passes.make().actions == (DeleteCluster(passes.cluster_name),)


def test_a_suspended_attempt_that_does_not_obey_goes_on_when_its_cluster_has_gone() -> None:
    passes = Passes("data", policy=_HANG)
    passes.start()
    passes.set_policy(suspend=True, **_HANG)
    passes.make()
    passes.wait(60)
    passes.make(progress=passes.report())
    assert (passes.stage.state, passes.stage.stop_time) == (StageState.PENDING, None)
    assert passes.status.cluster is not None
    assert passes.status.cluster.released
    passes.make()
    assert (passes.status.phase, passes.stage.attempt) == (Phase.SUSPENDED, 1)


def test_a_job_that_is_being_deleted_holds_no_compute() -> None:
    passes = Passes("data", policy=_DEADLINE)
    passes.start()
    passes.held_by = ("example.com/audit",)
    assert passes.make().actions == (DeleteCluster(passes.cluster_name),)
    told = passes.status.conditions[0]
    assert (passes.status.phase, told.reason) == (Phase.SUSPENDED, "Deleting")
    assert told.message.endswith("kept by example.com/audit")
    passes.cluster_ready, passes.submission = False, None
    passes.wait(1000)
    decision = passes.make()
    assert (decision.actions, decision.requeue_after_seconds) == ((), None)
    assert passes.status.phase is Phase.SUSPENDED
