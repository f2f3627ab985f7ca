"""What a real API server makes of our CRD."""

import json
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path

import pytest
import yaml
from support.cluster.api_client import ApiClient, ApiRefusal
from support.cluster.jobs import JOBS, full_pipeline_job, refusal_of, with_change
from support.repository import MANIFESTS
from support.wrong_jobs import WRONG_JOBS

from llmtrain_api.cost import Cost, Ledger
from llmtrain_api.job import JobSpec
from llmtrain_api.manifest import parse_job
from llmtrain_api.stages import Stage
from llmtrain_api.status import (
    Attempt,
    Condition,
    ConditionStatus,
    EvaluationResult,
    JobStatus,
    Phase,
    Progress,
    StageRun,
    StageState,
    StageStatus,
)

_MERGE = "application/merge-patch+json"
_NOW = "2026-01-31T12:00:00Z"

_OTHER_VALUES = {
    "image": "other:1",
    "workspace": {"size": "30Gi"},
    "compute": {"trainers": {"replicas": 2}},
    "environment": [{"name": "NCCL_DEBUG", "value": "WARN"}],
    "secrets": [{"name": "hub", "files": True}],
    "volumes": [{"name": "corpus", "claimName": "corpora"}],
    "serviceAccountName": "bucket-reader",
    "labels": {"example.com/team": "a"},
    "annotations": {"example.com/contact": "a@example.com"},
    "seed": 5,
    "data": {"sources": [{"pythonDocs": {}}], "validationFraction": 0.1},
    "tokenizer": {"vocabularySize": 4096},
    "model": {"layers": 3, "hiddenSize": 64, "heads": 4},
    "pretrain": {"sequenceLength": 128, "batchTokens": 8192},
    "finetune": {"data": {"sources": [{"pythonDocs": {}}]}, "epochs": 3},
    "evaluate": {"bitsPerByte": False},
    "export": None,
    "tracking": {"tensorboard": {}},
}
"""A valid other value of each section; None removes it."""


@pytest.fixture
def stored_job(api_server: ApiClient) -> Iterator[str]:
    """The path of a job on the server that lasts for one test."""
    api_server.request("POST", f"{JOBS}?fieldValidation=Strict", full_pipeline_job("stored"))
    path = f"{JOBS}/stored"
    yield path
    api_server.request("DELETE", path)


def test_the_definition_is_structural_and_established(api_server: ApiClient) -> None:
    path = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions/llmtrainingjobs.llmtrain.io"
    holding: set[str] = set()
    for _ in range(10_000):  # it is served before it is called established
        conditions = api_server.request("GET", path)["status"]["conditions"]
        holding = {condition["type"] for condition in conditions if condition["status"] == "True"}
        if "Established" in holding:
            break
    assert holding == {"NamesAccepted", "Established"}


@pytest.mark.parametrize("manifest", MANIFESTS, ids=lambda path: path.stem)
def test_every_manifest_is_accepted(api_server: ApiClient, manifest: Path) -> None:
    assert refusal_of(api_server, yaml.safe_load(manifest.read_text())) is None


@pytest.mark.parametrize(("path", "value", "message"), WRONG_JOBS)
def test_a_wrong_job_is_refused_in_words_that_name_the_field(
    api_server: ApiClient, path: str, value: object, message: str
) -> None:
    refusal = refusal_of(api_server, with_change(full_pipeline_job(), path, value))
    assert refusal is not None
    assert message in refusal


def test_the_server_fills_in_the_same_defaults_as_the_laptop(
    api_server: ApiClient, stored_job: str
) -> None:
    stored = api_server.request("GET", stored_job)["spec"]
    job = parse_job(full_pipeline_job())
    assert stored == job.spec.model_dump(mode="json", exclude_none=True)


def test_every_section_but_the_policy_has_a_case_here() -> None:
    sections = {field.alias for field in JobSpec.model_fields.values()}
    assert sections - _OTHER_VALUES.keys() == {"policy"}


@pytest.mark.parametrize("section", _OTHER_VALUES)
def test_a_section_cannot_be_changed(api_server: ApiClient, stored_job: str, section: str) -> None:
    patch = {"spec": {section: _OTHER_VALUES[section]}}
    with pytest.raises(ApiRefusal, match=f"spec.{section}: Forbidden: {section} cannot be changed"):
        api_server.request("PATCH", stored_job, patch, content=_MERGE)


def test_the_policy_can_be_changed(api_server: ApiClient, stored_job: str) -> None:
    policy = {"suspend": True, "retries": {"preemption": 3}, "activeDeadlineSeconds": 60}
    patched = api_server.request("PATCH", stored_job, {"spec": {"policy": policy}}, content=_MERGE)
    assert patched["spec"]["policy"]["suspend"] is True
    assert patched["spec"]["policy"]["retries"]["preemption"] == 3


def test_a_status_is_kept_as_it_was_written(api_server: ApiClient, stored_job: str) -> None:
    status = _full_status().model_dump(mode="json", exclude_none=True)
    written = api_server.request(
        "PATCH", f"{stored_job}/status?fieldValidation=Strict", {"status": status}, content=_MERGE
    )
    assert JobStatus.model_validate_json(json.dumps(written["status"])) == _full_status()


def test_kubectl_get_shows_where_the_job_stands(api_server: ApiClient, stored_job: str) -> None:
    status = _full_status().model_dump(mode="json", exclude_none=True)
    path = f"{stored_job}/status"
    api_server.request("PATCH", path, {"status": status}, content=_MERGE)
    table = api_server.request(
        "GET", stored_job, accept="application/json;as=Table;v=v1;g=meta.k8s.io"
    )
    names = [column["name"] for column in table["columnDefinitions"]]
    row = dict(zip(names, table["rows"][0]["cells"], strict=True))
    assert names == ["Name", "Phase", "Stage", "Progress", "Loss", "ETA", "Spent", "Age", "Reason"]
    wide = [column["name"] for column in table["columnDefinitions"] if column["priority"]]
    assert wide == ["Reason"]
    del row["Age"]
    shown = ["stored", "Running", "pretrain", 42, 3.25, 90, "12.50", "StageRunning"]
    assert list(row.values()) == shown


def _full_status() -> JobStatus:
    return JobStatus(
        observed_generation=1,
        phase=Phase.RUNNING,
        conditions=(
            Condition(
                type="Ready",
                status=ConditionStatus.TRUE,
                reason="StageRunning",
                message="pretrain runs",
                observed_generation=1,
                last_transition_time=_NOW,
            ),
        ),
        start_time=_NOW,
        stages=tuple(
            StageStatus(
                name=stage,
                runs=(
                    StageRun(
                        state=StageState.RUNNING,
                        start_time=_NOW,
                        attempt=Attempt(number=2, submission_id="crd-2", start_time=_NOW),
                    ),
                ),
            )
            for stage in Stage
        ),
        progress=Progress(
            percent=42.7,
            stage=Stage.PRETRAIN,
            stage_percent=80.0,
            loss=3.25,
            pipeline_eta_seconds=90.4,
        ),
        cost=Cost(
            observed_time=_NOW,
            spent_usd=Decimal("12.50"),
            usd_per_hour=Decimal(3),
            ledger=Ledger(),
        ),
        evaluation=(EvaluationResult(name="bitsPerByte", model="pretrained", value=2.4),),
    )
