"""What a definition that is newer than the operator lets through."""

import re
from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError
from support.answered_job import AnsweredJobs, Clock, reconciling
from support.job_harness import NOW, UID, job_of

from llmtrain_api.status import JobStatus, Phase, StageState
from llmtrain_lifecycle.observed import ObjectMeta
from llmtrain_lifecycle.status_text import write_time
from llmtrain_operator.informer.caches import ObservedJob
from llmtrain_operator.informer.parsing import parse_observed
from llmtrain_operator.runtime.reconciler import UnreadableStatusError

_SPEC = job_of("data").model_dump(mode="json", exclude_unset=True)["spec"]
_UNDER_WAY = {"cluster": {"name": "line-cpus-0", "group": "cpus", "generation": 0}}


_RUN_WITHOUT_ATTEMPT = {"name": "data", "runs": [{"state": "Running"}]}


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


@pytest.mark.parametrize(
    ("change", "fault"),
    [
        ({"cluster": {**_UNDER_WAY["cluster"], "group": "dreams"}}, "group: .*dreams"),
        ({"phase": "Dreaming", "completionTime": write_time(NOW)}, "phase: .*Dreaming"),
        ({"stages": [{"name": "data", "runs": [{}, {}]}]}, "runs: .*at most 1 item"),
        ({"stages": [_RUN_WITHOUT_ATTEMPT]}, "Running should have an attempt"),
    ],
    ids=["unknown value", "unknown end", "runs of a newer operator", "no attempt"],
)
async def test_a_status_that_is_not_understood_is_named_and_stops_no_other_job(
    tmp_path: Path, change: dict[str, Any], fault: str
) -> None:
    jobs = AnsweredJobs()
    newer, other = (jobs.begin(name, {}, StageState.STARTING) for name in ("newer", "other"))
    jobs.change(newer, status=jobs.caches.jobs[newer].status | change)
    async with Clock().running(), reconciling(jobs, tmp_path) as reconciler:
        with pytest.raises(UnreadableStatusError, match=rf"version of the operator\? .*{fault}"):
            await reconciler.reconcile(newer)
        await reconciler.reconcile(other)
        await jobs.until(
            lambda: any(r.method == "POST" and "/events" in r.target for r in jobs.seen)
        )
    assert jobs.status(other).stages[0].state is StageState.RUNNING
    assert jobs.holds_compute(newer)
    event = next(r.json for r in jobs.seen if r.method == "POST" and "/events" in r.target)
    assert event["involvedObject"]["name"] == "newer"
    assert event["reason"] == "StatusNotUnderstood"
    assert re.search(rf"{fault}.*; the job is left alone$", event["message"])


@pytest.mark.parametrize(
    "change",
    [
        {"phase": "Dreaming"},
        {"conditions": [{"type": "Ready", "status": "Perhaps"}]},
        {"progress": {"stage": "dreams", "percent": 1, "stagePercent": 1}},
    ],
    ids=["phase", "condition", "progress"],
)
async def test_a_part_that_is_found_anew_ends_no_supervision(
    tmp_path: Path, change: dict[str, Any]
) -> None:
    jobs = AnsweredJobs()
    key = jobs.begin("newer", {}, StageState.STARTING)
    jobs.change(key, status=jobs.caches.jobs[key].status | change)
    async with Clock().running(), reconciling(jobs, tmp_path) as reconciler:
        await reconciler.reconcile(key)
    status = jobs.status(key)
    assert status.phase is Phase.RUNNING
    assert status.stages[0].state is StageState.RUNNING
    assert {condition.reason for condition in status.conditions} == {"StageRunning"}
