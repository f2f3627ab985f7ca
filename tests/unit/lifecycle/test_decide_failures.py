"""What follows when an attempt ends otherwise than well."""

from datetime import timedelta

import pytest
from support.job_harness import JobHarness

from llmtrain_api.exit_codes import UNFIT_NODE, ExitCode, Outcome
from llmtrain_api.status import (
    ConditionStatus,
    EvaluationResult,
    Failures,
    LostPod,
    Phase,
    StageState,
)
from llmtrain_lifecycle.decision import DeleteCluster
from llmtrain_lifecycle.status_text import write_time


def _fail(harness: JobHarness, exit_code: int | None, outcome: Outcome | None = None) -> None:
    harness.start()
    harness.end(exit_code, outcome)
    harness.reconcile()
    harness.submission = None


def _loss(harness: JobHarness, reason: str, uid: str = "uid", ahead_seconds: int = 0) -> LostPod:
    time = write_time(harness.now + timedelta(seconds=ahead_seconds))
    return LostPod(name="pod", uid=uid, reason=reason, message="it went", time=time)


@pytest.mark.parametrize("exit_code", [ExitCode.USER, ExitCode.GATE])
def test_a_users_fault_fails_the_job_at_once_and_keeps_what_was_measured(exit_code: int) -> None:
    measured = EvaluationResult(name="bitsPerByte", model="finetuned", value=3.0)
    outcome = Outcome(
        reason="GateNotMet", message="bitsPerByte is 3.0, above 2.5", evaluation=(measured,)
    )
    harness = JobHarness("evaluate", "export", policy={"retries": {"application": -1}})
    _fail(harness, exit_code, outcome)
    assert harness.status.phase is Phase.FAILED
    assert harness.status.evaluation == (measured,)
    assert harness.stage.state is StageState.FAILED
    assert harness.stage.run.failures == Failures(user=1)
    failed = next(c for c in harness.status.conditions if c.type == "Failed")
    assert failed.status is ConditionStatus.TRUE
    assert failed.reason == "GateNotMet"
    assert failed.message == "evaluate: bitsPerByte is 3.0, above 2.5"


def test_an_application_failure_is_retried_within_its_budget() -> None:
    harness = JobHarness("data")
    outcome = Outcome(reason="StageFailed", message="ValueError: no")
    for attempt in range(3):
        assert harness.status.phase is not Phase.FAILED
        assert harness.stage.run.next_attempt == attempt
        _fail(harness, ExitCode.APPLICATION, outcome)
    assert harness.status.phase is Phase.FAILED
    assert harness.stage.run.failures == Failures(application=3)
    assert (harness.stage.run.reason, harness.stage.run.message) == (
        "StageFailed",
        "ValueError: no",
    )


def test_an_unfit_node_is_given_back_with_its_cluster() -> None:
    harness = JobHarness("data")
    before = harness.cluster_name
    slow = Outcome(reason=UNFIT_NODE, message="rank 3 on node b: its links are slow")
    _fail(harness, ExitCode.INFRASTRUCTURE, slow)
    assert harness.stage.run.failures == Failures(infrastructure=1)
    assert harness.stage.run.message == slow.message
    assert harness.status.cluster is not None
    assert harness.status.cluster.released
    for _ in range(3):
        harness.now += timedelta(minutes=1)
        harness.reconcile()
    assert harness.cluster_name != before
    assert harness.status.phase is not Phase.FAILED


@pytest.mark.parametrize("exit_code", [ExitCode.INFRASTRUCTURE, 137, -9, None])
def test_a_lost_machine_costs_the_infrastructure_budget(exit_code: int | None) -> None:
    harness = JobHarness("data", policy={"retries": {"application": 0, "infrastructure": 1}})
    _fail(harness, exit_code)
    assert harness.status.phase is Phase.PENDING
    assert harness.stage.run.failures == Failures(infrastructure=1)
    _fail(harness, exit_code)
    assert harness.status.phase is Phase.FAILED
    assert harness.stage.run.failures == Failures(infrastructure=2)


@pytest.mark.parametrize("exit_code", [-11, 139, -7, -4])
def test_a_driver_that_crashed_is_not_tried_again_with_the_same_input(exit_code: int) -> None:
    harness = JobHarness("data", policy={"retries": {"application": 5, "infrastructure": 5}})
    _fail(harness, exit_code)
    assert harness.status.phase is Phase.FAILED
    assert harness.stage.run.failures == Failures(application=1)
    assert harness.stage.run.reason == "DriverCrashed"
    name = {-7: "SIGBUS", -4: "SIGILL"}.get(exit_code, "SIGSEGV (segmentation fault)")
    assert f"its driver was ended by {name}" in (harness.stage.run.message or "")


@pytest.mark.parametrize(
    ("exit_code", "name", "failures"),
    [
        (-9, "SIGKILL (killed)", Failures(infrastructure=1)),
        (143, "SIGTERM (terminated)", Failures(infrastructure=1)),
        (-6, "SIGABRT (aborted)", Failures(application=1)),
    ],
)
def test_the_signal_that_ended_a_driver_is_named(
    exit_code: int, name: str, failures: Failures
) -> None:
    harness = JobHarness("data")
    _fail(harness, exit_code)
    assert harness.status.phase is Phase.PENDING
    assert harness.stage.run.failures == failures
    assert harness.stage.run.message == f"its driver was ended by {name} and said nothing"


@pytest.mark.parametrize("cluster_ready", [True, False])
def test_a_submission_that_ray_lost_is_an_infrastructure_failure(*, cluster_ready: bool) -> None:
    harness = JobHarness("data")
    harness.start()
    harness.submission, harness.cluster_ready = None, cluster_ready
    harness.reconcile()
    assert harness.stage.run.failures == Failures(infrastructure=1)
    assert (harness.stage.state, harness.stage.run.next_attempt) == (StageState.PENDING, 1)


def test_an_attempt_whose_cluster_went_before_it_was_seen_is_never_submitted_again() -> None:
    harness = JobHarness("data")
    harness.reconcile()
    submitted = harness.attempt.submission_id
    harness.reconcile()
    harness.cluster_ready = False
    harness.reconcile()
    assert harness.stage.run.failures == Failures(infrastructure=1)
    harness.cluster_ready = True
    harness.start()
    assert harness.attempt.submission_id != submitted


def test_a_preemption_costs_no_budget() -> None:
    harness = JobHarness("data", policy={"retries": {"application": 0, "infrastructure": 0}})
    for _ in range(20):
        _fail(harness, ExitCode.INTERRUPTED)
    assert harness.status.phase is Phase.PENDING
    assert harness.stage.run.failures == Failures(preemption=20)


@pytest.mark.parametrize(
    ("reason", "exit_code", "failures"),
    [
        ("OOMKilled", ExitCode.INFRASTRUCTURE, Failures(application=1)),
        ("PodPreempted", ExitCode.INFRASTRUCTURE, Failures(preemption=1)),
        ("PodPreempted", ExitCode.APPLICATION, Failures(preemption=1)),
        ("PodEvicted", ExitCode.APPLICATION, Failures(infrastructure=1)),
        ("PodDeleted", ExitCode.INTERRUPTED, Failures(infrastructure=1)),
        ("PodFailed", None, Failures(infrastructure=1)),
    ],
)
def test_a_failure_is_put_down_to_the_pod_that_was_lost(
    reason: str, exit_code: int | None, failures: Failures
) -> None:
    harness = JobHarness("data")
    harness.start()
    harness.lost_pods = (_loss(harness, reason),)
    harness.reconcile()
    harness.end(exit_code, Outcome(reason="WorkerLost", message="no answer"))
    harness.reconcile()
    assert harness.stage.run.failures == failures
    assert (harness.stage.run.reason, harness.stage.run.message) == (reason, "it went (no answer)")
    harness.submission = None
    harness.start()
    assert harness.attempt.lost_pod is None


@pytest.mark.parametrize("ahead_seconds", [-600, 0, 600])
def test_each_attempt_answers_for_its_own_losses_whatever_the_clocks_say(
    ahead_seconds: int,
) -> None:
    """The kubelet's clock is ahead of the operator's, or behind it."""
    harness = JobHarness("data", policy={"retries": {"application": 5, "infrastructure": 5}})
    lost = [
        _loss(harness, reason, uid=uid, ahead_seconds=ahead_seconds)
        for uid, reason in (("first", "OOMKilled"), ("second", "PodEvicted"))
    ]
    for count in (1, 2):
        harness.start()
        harness.lost_pods = tuple(lost[:count])
        harness.reconcile()
        harness.end(ExitCode.INFRASTRUCTURE, Outcome(reason="WorkerLost", message="no answer"))
        harness.reconcile()
        harness.submission = None
    _fail(harness, ExitCode.APPLICATION, Outcome(reason="StageFailed", message="ValueError: no"))
    assert harness.stage.run.failures == Failures(application=2, infrastructure=1)
    assert harness.stage.run.reason == "StageFailed"


def test_wrong_data_is_to_blame_for_itself() -> None:
    harness = JobHarness("data")
    harness.start()
    harness.lost_pods = (_loss(harness, "PodDeleted"),)
    harness.end(ExitCode.USER, Outcome(reason="InvalidData", message="no such file"))
    harness.reconcile()
    assert harness.stage.run.reason == "InvalidData"


def test_the_wait_before_an_attempt_doubles_up_to_a_limit_and_is_kept() -> None:
    harness = JobHarness("data", policy={"retries": {"infrastructure": -1}})
    waits = []
    for _ in range(8):
        harness.start()
        harness.end(137)
        wait = harness.reconcile().requeue_after_seconds
        assert wait is not None
        waits.append(wait)
        harness.submission = None
        harness.wait(wait - 1)
        assert harness.reconcile().requeue_after_seconds == 1
        assert harness.stage.state is StageState.PENDING
        harness.wait(1)
        harness.reconcile()
        assert harness.stage.state is StageState.STARTING
    assert waits == [5, 10, 20, 40, 80, 160, 300, 300]


def test_a_wait_is_never_shorter_than_it_says() -> None:
    harness = JobHarness("data")
    harness.start()
    harness.wait(0.25)
    harness.end(137)
    wait = harness.reconcile().requeue_after_seconds
    assert wait is not None
    assert wait >= 5
    harness.submission = None
    harness.wait(wait)
    harness.reconcile()
    assert harness.stage.state is StageState.STARTING


def test_no_cluster_is_made_while_the_next_attempt_must_wait() -> None:
    harness = JobHarness("data")
    harness.start()
    harness.submission, harness.cluster_ready = None, False
    harness.reconcile()
    waiting = harness.reconcile()
    assert waiting.actions == ()
    assert waiting.requeue_after_seconds == 5


def test_the_verdict_is_written_before_the_cluster_is_given_back() -> None:
    """Else a crash between the two would leave a running stage without a cluster: a retry."""
    harness = JobHarness("data")
    harness.start()
    harness.end(ExitCode.USER, Outcome(reason="InvalidData", message="no such file"))
    assert harness.reconcile().actions == ()
    assert harness.status.phase is Phase.FAILED
    assert harness.reconcile().actions == (DeleteCluster(harness.cluster_name),)


def test_an_outcome_too_long_for_the_status_is_cut() -> None:
    results = tuple(
        EvaluationResult(name=f"task{index}", model="finetuned", value=1) for index in range(300)
    )
    harness = JobHarness("evaluate")
    _fail(harness, ExitCode.USER, Outcome(reason="R" * 200, message="m" * 9000, evaluation=results))
    assert harness.status.phase is Phase.FAILED
    assert len(harness.stage.run.message or "") == 4096
    assert harness.status.evaluation == results[:256]


def test_an_unseen_end_is_explained() -> None:
    harness = JobHarness("data")
    _fail(harness, None)
    assert harness.stage.run.reason == "DriverLost"
    assert "None" not in (harness.stage.run.message or "")
