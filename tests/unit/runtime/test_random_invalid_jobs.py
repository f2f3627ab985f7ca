"""What the API server lets through and we cannot take says so, and recovers when corrected."""

import pytest
from hypothesis import given, settings
from pydantic import ValidationError
from support.job_harness import GENERATION, NOW, SETTINGS, UID
from support.random_jobs import Change, changed, changes

from llmtrain_api.manifest import parse_job
from llmtrain_api.status import JobStatus, Phase
from llmtrain_lifecycle.decide import decide
from llmtrain_lifecycle.observed import ObjectMeta
from llmtrain_lifecycle.snapshot import Snapshot
from llmtrain_operator.informer.caches import ObservedJob
from llmtrain_operator.informer.parsing import parse_observed
from llmtrain_operator.runtime.reconciler import invalid

_CORRECT = parse_job(changed([]))


@pytest.mark.slow
@given(random=changes(most=5))
@settings(max_examples=1000)
def test_a_wrong_job_says_so_and_recovers(random: list[Change]) -> None:
    meta = ObjectMeta(name="line", namespace="default", uid=UID, resource_version="1")
    spec = changed([change for change in random if change[0].startswith("spec.")])["spec"]
    seen = ObservedJob.of(meta, {"spec": spec})
    try:
        parse_observed(seen)
    except ValidationError as error:
        status = invalid(seen, JobStatus(), error, NOW)
    else:
        return
    assert {condition.reason for condition in status.conditions} == {"InvalidSpec"}
    assert status.conditions[0].message.startswith("spec")
    assert status.phase is Phase.PENDING
    after = decide(_CORRECT, UID, GENERATION, status, Snapshot(), NOW, SETTINGS).status
    assert after.phase is Phase.PENDING
    assert after.conditions[0].reason == "WaitingForCluster"
