"""What llmtrain 0.1.0 has left on a cluster, as its own code has written it: a chart and jobs."""

import copy
import json
import re
import tarfile
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any

import yaml
from support.cluster.api_client import ApiClient, Json
from support.cluster.jobs import refusal_of
from support.fake_ray import FakeRay
from support.nodeless_job import NodelessJob, wait_until
from support.repository import ROOT

from llmtrain_lifecycle.status_text import read_time, write_time

_FOLDER = ROOT / "tests" / "golden" / "releases" / "0.1.0"
CHART = _FOLDER / "llmtrain-0.1.0.tgz"
"""The packed chart."""
_JOB: Json = json.loads((_FOLDER / "jobs.json").read_text())["running"]
"""A job as the API server has stored it."""
_NAME, _UID = "line", "0123456789abcdef"
"""Its name and its UID."""
_TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ")
_DEFINITIONS = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions"


def bring_back_definition(client: ApiClient) -> None:
    """Put the definition of 0.1.0 in the place of today's, and wait until it is in force."""
    with tarfile.open(CHART) as chart:
        file = chart.extractfile("llmtrain/files/crd.yaml")
        assert file is not None
        body: Json = yaml.safe_load(file.read())
    replace_definition(client, body)
    wait_until(lambda: refusal_of(client, _manifest("asking", "default")) is None)


def replace_definition(client: ApiClient, body: Json) -> None:
    """Put a definition in the place of the one that the API server has."""
    path = f"{_DEFINITIONS}/{body['metadata']['name']}"
    version = client.request("GET", path)["metadata"]["resourceVersion"]
    metadata = body["metadata"] | {"resourceVersion": version}
    client.request("PUT", path, body | {"metadata": metadata})


def leave_job(
    client: ApiClient, ray: FakeRay, name: str, *, namespace: str, pretrain: Json
) -> NodelessJob:
    """Create a job that runs, as 0.1.0 has left it just now: with Ray cluster, status and attempt.

    Args:
        client: client of the cluster, with all rights.
        ray: all Ray heads.
        name: name of the job.
        namespace: where it is created.
        pretrain: fields of that section.
    """
    body = _manifest(name, namespace)
    body["spec"]["pretrain"] |= pretrain
    job = NodelessJob(client, body, namespace=namespace)
    uid = job.body["metadata"]["uid"]
    status = _as_of_now(json.loads(_renamed(_JOB["status"], name, uid)))
    job.patch({"status": status}, part="/status")
    text = (_FOLDER / "ray-cluster.json").read_text()
    made = json.loads(_renamed(json.loads(text), name, uid))
    client.request("POST", f"/apis/ray.io/v1/namespaces/{namespace}/rayclusters", made)
    (stage,) = (stage for stage in status["stages"] if stage["state"] == "Running")
    ray.begin(made["metadata"]["name"], stage["submissionId"])
    return job


def _manifest(name: str, namespace: str) -> Json:
    """The manifest of the stored job, for another name."""
    kept = {key: copy.deepcopy(_JOB[key]) for key in ("apiVersion", "kind", "spec")}
    return kept | {"metadata": {"name": name, "namespace": namespace}}


def _renamed(body: Json, name: str, uid: str) -> str:
    """An object of the stored job, as JSON, for another job."""
    text = json.dumps(body).replace(_UID, uid).replace(f"{_NAME}-{_UID[:8]}", f"{name}-{uid[:8]}")
    return re.sub(rf'(["\s]){_NAME}(["-])', rf"\g<1>{name}\g<2>", text)


def _as_of_now(status: Json) -> Json:
    """A status whose newest time is now."""
    text = json.dumps(status)
    newest = max(map(read_time, _TIME.findall(text)))
    moved: Any = json.loads(_TIME.sub(partial(_later, datetime.now(UTC) - newest), text))
    return dict(moved)


def _later(seconds: timedelta, found: "re.Match[str]") -> str:
    return write_time(read_time(found[0]) + seconds)
