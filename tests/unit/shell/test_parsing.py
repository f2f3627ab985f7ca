"""What a definition that is newer than the operator lets through."""

from typing import Any

import pytest
from pydantic import ValidationError
from support.passes import UID, job_of

from llmtrain_api.status import JobStatus
from llmtrain_operator.core.observed import ObjectMeta
from llmtrain_operator.shell.caches import ObservedJob
from llmtrain_operator.shell.parsing import parse_observed

_SPEC = job_of("data").model_dump(mode="json", exclude_unset=True)["spec"]
_UNDER_WAY = {"cluster": {"name": "line-cpus-0", "group": "cpus", "generation": 0}}


def _seen(status: dict[str, Any], **changes: object) -> ObservedJob:
    meta = ObjectMeta(name="line", namespace="default", uid=UID, resource_version="1")
    return ObservedJob.of(meta, {"spec": {**_SPEC, **changes}, "status": status})


def test_of_a_job_under_way_unknown_fields_are_left_out_and_named() -> None:
    data = {**_SPEC["data"], "newFilter": {"deep": 1}}
    policy = {"activeDeadlineSeconds": 60, "newLimit": 5}
    parsed = parse_observed(_seen(_UNDER_WAY, data=data, policy=policy, newStage={}))
    assert parsed.job.spec.policy.active_deadline_seconds == 60
    fields = [fault.partition(": ")[0] for fault in parsed.unknown_fields]
    assert sorted(fields) == ["spec.data.newFilter", "spec.newStage", "spec.policy.newLimit"]


@pytest.mark.parametrize(
    "status", [{}, {"cluster": {**_UNDER_WAY["cluster"], "released": True}}], ids=["new", "at rest"]
)
def test_a_job_that_holds_no_compute_is_invalid(status: dict[str, Any]) -> None:
    JobStatus.model_validate(status)
    with pytest.raises(ValidationError):
        parse_observed(_seen(status, newStage={}))


def test_a_wrong_value_is_a_fault_of_its_own() -> None:
    with pytest.raises(ValidationError):
        parse_observed(_seen(_UNDER_WAY, seed=-1))
