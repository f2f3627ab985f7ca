"""A manifest that is understood in part: what runs is looked after, nothing new is started."""

from support.job_harness import JobHarness

from llmtrain_api.status import Phase, StageState
from llmtrain_lifecycle.decision import DeleteCluster, Stop

_FAULT = "spec.policy.maxTokens: unknown field"


def _running(**policy: object) -> JobHarness:
    harness = JobHarness("data", "tokenizer", policy=policy)
    harness.start()
    harness.unknown_fields = (_FAULT,)
    return harness


def test_the_attempt_at_work_goes_on_and_the_field_is_named() -> None:
    harness = _running()
    assert harness.reconcile().actions == ()
    condition = harness.status.conditions[0]
    assert (harness.status.phase, condition.reason) == (Phase.RUNNING, "InvalidSpec")
    assert condition.message == f"{_FAULT}; meanwhile data is running, attempt 0"


def test_its_policies_hold() -> None:
    harness = _running(activeDeadlineSeconds=10)
    harness.wait(10)
    assert harness.reconcile().actions == (Stop(harness.running().submission_id),)
    assert harness.stage.run.reason == "DeadlineExceeded"


def test_no_other_attempt_is_started_and_no_compute_held() -> None:
    harness = _running()
    harness.end()
    harness.reconcile()
    waiting = harness.reconcile()
    assert harness.stage.state is StageState.PENDING
    assert waiting.actions == (DeleteCluster(harness.cluster_name),)
    assert (harness.status.phase, harness.status.conditions[0].message) == (Phase.PENDING, _FAULT)
    harness.unknown_fields = ()
    harness.submission = None
    harness.start()
    assert harness.stage.state is StageState.RUNNING
