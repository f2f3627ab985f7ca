"""A manifest that is applied again changes nothing: GitOps controllers apply it all the time."""

import os
import subprocess
from functools import partial
from pathlib import Path

import pytest
import yaml
from support.cluster.api_client import ApiClient, Json
from support.cluster.binaries import binary
from support.cluster.jobs import JOBS, full_pipeline_job, with_change
from support.kstatus import kstatus
from support.repository import ROOT

from llmtrain_api.manifest import parse_job
from llmtrain_api.status import JobStatus

_QUIZ = {"lmEval": {"name": "quiz", "include": "tasks"}}
_CHANGES: list[tuple[str, object]] = [
    ("spec.data.sources[0]", {"files": {"paths": ["*.jsonl"], "format": "jsonl"}}),
    ("spec.data.sources[1]", {"huggingFace": {"path": "wikitext"}}),
    ("spec.finetune.data.sources[0]", {"files": {"paths": ["chats.jsonl"]}}),
    ("spec.finetune.data.sources[1]", {"huggingFace": {"path": "chats"}}),
    ("spec.evaluate.tasks", [{"heldOutDocs": {}}, _QUIZ]),
    ("spec.compute.trainers.tolerations", [{"key": "gpu"}]),
]
"""Items of lists, each with the fields alone that it cannot do without."""


def _job() -> Json:
    job = full_pipeline_job("again")
    for path, value in _CHANGES:
        job = with_change(job, path, value)
    return job


@pytest.mark.parametrize("mode", ["--server-side=false", "--server-side"])
def test_the_second_time_nothing_is_changed(
    api_server: ApiClient, tmp_path: Path, mode: str
) -> None:
    everything = (ROOT / "tests" / "golden" / "everything.yaml").read_text()
    text = f"{everything}\n---\n{yaml.safe_dump(_job())}"
    names = ["again", yaml.safe_load(everything)["metadata"]["name"]]

    kubectl = partial(_kubectl, api_server, tmp_path, text)
    printed, versions = [], []
    for _ in range(2):
        printed.append(kubectl("apply", mode))
        # Not by resourceVersion: as long as no operator has written a status, the server stores
        # the status's defaults with the second server-side apply.
        stored = [api_server.request("GET", f"{JOBS}/{name}") for name in names]
        versions.append([(job["metadata"]["generation"], job["spec"]) for job in stored])
    difference = kubectl("diff", mode)
    for name in names:
        api_server.request("DELETE", f"{JOBS}/{name}")

    assert versions[0] == versions[1]
    assert [generation for generation, _ in versions[1]] == [1, 1]
    if mode == "--server-side=false":
        assert printed[1].count(" unchanged\n") == len(names), printed[1]
    assert difference == ""


def _kubectl(api_server: ApiClient, folder: Path, text: str, command: str, mode: str) -> str:
    """Run a command of kubectl on some manifests; returns what it prints."""
    api_server.write_kubeconfig(folder / "kubeconfig")
    run = subprocess.run(
        [binary("kubectl"), command, "--namespace=default", "--filename=-", mode],
        env=os.environ | {"KUBECONFIG": str(folder / "kubeconfig")},
        input=text,
        capture_output=True,
        text=True,
        check=False,
    )
    assert run.returncode == 0, run.stdout + run.stderr
    return run.stdout


def test_a_job_that_no_operator_has_seen_is_in_progress(api_server: ApiClient) -> None:
    made = api_server.request("POST", f"{JOBS}?dryRun=All", full_pipeline_job("unseen"))
    assert kstatus(made) == "InProgress"
    assert JobStatus.model_validate(made["status"]) == JobStatus()


def test_what_the_server_keeps_means_the_same_to_the_operator(api_server: ApiClient) -> None:
    job = _job()
    kept = api_server.request("POST", f"{JOBS}?dryRun=All&fieldValidation=Strict", job)
    assert parse_job(kept).spec == parse_job(job).spec
