"""Jobs that 0.1.0 has stored, read by this version: nothing of theirs is lost."""

import json
from typing import Any

import pytest
from support.job_harness import NOW, SETTINGS
from support.repository import ROOT

from llmtrain_api import names
from llmtrain_api.job import LLMTrainingJob
from llmtrain_api.manifest import parse_job
from llmtrain_api.stages import Stage
from llmtrain_api.status import JobStatus, StageState
from llmtrain_api.upgrade.spec import upgraded_spec
from llmtrain_api.upgrade.status import stored_status, upgraded_status
from llmtrain_lifecycle.decide import decide
from llmtrain_lifecycle.snapshot import (
    Cluster,
    ClusterState,
    Snapshot,
    Submission,
    SubmissionState,
)

Json = dict[str, Any]

_JOBS: dict[str, Json] = json.loads(
    (ROOT / "tests" / "golden" / "releases" / "0.1.0" / "jobs.json").read_text()
)
_SAME = ("phase", "conditions", "startTime", "activeTime", "completionTime", "goodput", "cost")


def _job_of(body: Json) -> LLMTrainingJob:
    metadata = {"name": body["metadata"]["name"], "namespace": body["metadata"]["namespace"]}
    head = {"apiVersion": names.API_VERSION, "kind": names.KIND, "metadata": metadata}
    return parse_job(head | {"spec": upgraded_spec(body["spec"])})


def _status_of(body: Json) -> JobStatus:
    return stored_status(body["status"], body["metadata"]["name"], body["metadata"]["uid"])


@pytest.mark.parametrize("name", _JOBS)
def test_every_field_is_still_there(name: str) -> None:
    old = _JOBS[name]["status"]
    new = json.loads(_status_of(_JOBS[name]).model_dump_json(exclude_none=True))
    for field in _SAME:
        assert new.get(field) == old.get(field)
    for before, after in zip(old["stages"], new["stages"], strict=True):
        (run,) = after["runs"]
        for field in ("state", "startTime", "completionTime", "retryTime", "reason", "message"):
            assert run.get(field) == before.get(field)
        assert run["failures"] == before["failures"]
        if "submissionId" in before:
            assert run["attempt"]["number"] == before["attempt"]
            assert run["attempt"]["submissionId"] == before["submissionId"]
            assert run["attempt"]["startTime"] == before["attemptTime"]
            assert run["attempt"].get("stopTime") == before.get("stopTime")
        else:
            attempts = run["attempt"]["number"] + 1 if "attempt" in run else 0
            assert attempts == before["attempt"]
    if "progress" in old:
        expected = dict(old["progress"])
        if "lineEtaSeconds" in expected:
            expected["pipelineEtaSeconds"] = expected.pop("lineEtaSeconds")
        assert expected.items() <= new["progress"].items()


def test_counted_tokens_are_kept() -> None:
    plan = _status_of(_JOBS["running"]).plan
    assert plan is not None
    assert [(each.stage, each.tokens) for each in plan.counted_tokens] == [(Stage.FINETUNE, 123456)]


@pytest.mark.parametrize("name", _JOBS)
def test_a_status_of_this_version_is_left_as_it_is(name: str) -> None:
    now = _status_of(_JOBS[name]).model_dump(mode="json", exclude_none=True)
    assert upgraded_status(now, "line", "uid") is now


def test_a_running_attempt_goes_on() -> None:
    body = _JOBS["running"]
    before = _status_of(body)
    attempt = before.stage(Stage.PRETRAIN).run.attempt
    assert attempt is not None
    assert before.cluster is not None
    snapshot = Snapshot(
        clusters=(Cluster(before.cluster.name, ClusterState.READY),),
        submissions=(Submission(attempt.submission_id, SubmissionState.RUNNING),),
        created=NOW,
    )
    uid = body["metadata"]["uid"]
    decision = decide(_job_of(body), uid, 3, before, snapshot, NOW, SETTINGS)
    assert decision.actions == ()
    assert decision.status.cluster == before.cluster
    run = decision.status.stage(Stage.PRETRAIN).run
    assert run.state is StageState.RUNNING
    assert run.attempt == attempt
    assert run.failures == before.stage(Stage.PRETRAIN).run.failures
    assert decision.status.stage(Stage.DATA) == before.stage(Stage.DATA)


@pytest.mark.parametrize(
    ("old", "steps"),
    [
        (
            {"filter": {"quality": "gopher", "minWords": 15}},
            [{"html": {}}, {"unicode": {}}, {"gopher": {"minWords": 15}}, {"exactDedup": {}}],
        ),
        (
            {"clean": {"html": False, "emojiToText": True}, "filter": {"quality": "none"}},
            [{"unicode": {}}, {"emojiToText": {}}, {"length": {}}, {"exactDedup": {}}],
        ),
        ({"dedup": {"exact": False}}, [{"html": {}}, {"unicode": {}}, {"gopher": {}}]),
    ],
    ids=["words", "code", "repeats"],
)
def test_sections_of_data_are_steps(old: Json, steps: list[Json]) -> None:
    assert upgraded_spec({"data": {"sources": [], **old}}) == {
        "data": {"sources": [], "steps": steps}
    }


def test_chosen_steps_are_not_replaced() -> None:
    spec = {"data": {"steps": [{"length": {}}], "filter": {"minWords": 3}}}
    assert upgraded_spec(spec) == spec


@pytest.mark.parametrize(("flag", "word"), [(True, "full"), (False, "none")])
def test_activation_checkpointing_is_a_word(*, flag: bool, word: str) -> None:
    assert upgraded_spec({"pretrain": {"activationCheckpointing": flag}}) == {
        "pretrain": {"activationCheckpointing": word}
    }


def test_fields_with_one_value_are_gone() -> None:
    old = {
        "pretrain": {"optimizer": {"name": "adamw", "clip": 1}, "earlyStopping": {"metric": "a"}},
        "finetune": {"chatTemplate": "chatml"},
        "export": {"format": "huggingFace"},
    }
    assert upgraded_spec(old) == {
        "pretrain": {"optimizer": {"clip": 1}, "earlyStopping": {}},
        "finetune": {},
        "export": {},
    }
