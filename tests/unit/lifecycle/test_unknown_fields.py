"""A manifest that is understood in part: what runs is looked after, nothing new is started."""

from support.passes import Passes

from llmtrain_api.status import Phase, StageState
from llmtrain_lifecycle.decision import DeleteCluster, Stop

_FAULT = "spec.policy.maxTokens: unknown field"


def _running(**policy: object) -> Passes:
    passes = Passes("data", "tokenizer", policy=policy)
    passes.start()
    passes.unknown_fields = (_FAULT,)
    return passes


def test_the_attempt_at_work_goes_on_and_the_field_is_named() -> None:
    passes = _running()
    assert passes.make().actions == ()
    told = passes.status.conditions[0]
    assert (passes.status.phase, told.reason) == (Phase.RUNNING, "InvalidSpec")
    assert told.message == f"{_FAULT}; meanwhile data is running, attempt 0"


def test_its_policies_hold() -> None:
    passes = _running(activeDeadlineSeconds=10)
    passes.wait(10)
    assert passes.make().actions == (Stop(passes.running().submission_id),)
    assert passes.stage.reason == "DeadlineExceeded"


def test_no_other_attempt_is_started_and_no_compute_held() -> None:
    passes = _running()
    passes.end()
    passes.make()
    waiting = passes.make()
    assert passes.stage.state is StageState.PENDING
    assert waiting.actions == (DeleteCluster(passes.cluster_name),)
    assert (passes.status.phase, passes.status.conditions[0].message) == (Phase.PENDING, _FAULT)
    passes.unknown_fields = ()
    passes.submission = None
    passes.start()
    assert passes.stage.state is StageState.RUNNING
