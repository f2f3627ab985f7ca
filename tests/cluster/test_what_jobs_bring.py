"""A job's Secrets, bucket, second claim and extended resource, on a node for restricted Pods."""

import json
from collections.abc import Iterator

import psutil
import pytest
from support.cluster.node import Node
from support.cluster.volumes import make_claim
from support.cluster_jobs import NAMESPACE, ClusterJob
from support.llmtrain_release import NAMESPACE as OPERATOR_NAMESPACE
from support.llmtrain_release import kubectl
from support.local_run import small_spec, write_corpus
from support.s3_server import BUCKET, S3Server
from support.s3_server import CANARY as BUCKET_CANARY

from llmtrain_api.status import Phase

pytestmark = [pytest.mark.node, pytest.mark.timeout(1800)]

_CANARY = "canary-5f3a9c"
_MERGE = "application/merge-patch+json"
_HUB = {"name": "hub", "environment": [{"name": "HF_TOKEN", "key": "token"}], "files": True}
_FOR_JOBS = {"llmtrain.io/for-jobs": "true"}


@pytest.fixture(scope="module")
def bucket(llmtrain: Node) -> Iterator[S3Server]:
    with S3Server(llmtrain.sandbox) as server:
        yield server


def _make_secret(node: Node, name: str, data: dict[str, str], labels: dict[str, str]) -> None:
    body = {"metadata": {"name": name, "labels": labels}, "stringData": data}
    node.client.request("POST", f"/api/v1/namespaces/{NAMESPACE}/secrets", body)


def test_they_reach_its_processes_and_the_secrets_no_output(
    llmtrain: Node, bucket: S3Server
) -> None:
    client = llmtrain.client
    _make_secret(llmtrain, "hub", {"token": _CANARY}, {})
    access = bucket.environment
    keys = {name: access.pop(name) for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY")}
    _make_secret(llmtrain, "bucket", keys, _FOR_JOBS)
    (node,) = client.request("GET", "/api/v1/nodes")["items"]
    devices = {"status": {"capacity": {"rdma/ib": "4"}}}
    of_node = f"/api/v1/nodes/{node['metadata']['name']}/status"
    client.request("PATCH", of_node, devices, content=_MERGE)
    write_corpus(make_claim(llmtrain, NAMESPACE, "corpora"))

    spec = {key: small_spec()[key] for key in ("compute", "data")}
    spec["compute"]["cpus"] = {"replicas": 1, "cpus": 1, "profile": "ib"}
    spec["data"]["sources"][0]["files"]["paths"] = ["/mnt/volumes/corpus/documents.jsonl"]
    volumes = [{"name": "corpus", "claimName": "corpora"}]
    spec |= {
        "volumes": volumes,
        "secrets": [_HUB, {"name": "bucket", "environment": [{"name": name} for name in keys]}],
        "environment": [{"name": name, "value": value} for name, value in access.items()],
        "workspace": {"mirror": f"s3://{BUCKET}/bringing"},
    }
    job = ClusterJob(llmtrain, "bringing", spec)

    job.wait_until(lambda status: "SecretNotForJobs" in {c.reason for c in status.conditions})
    label = ("label", "secret", "-n", NAMESPACE, "hub", "llmtrain.io/for-jobs=true")
    kubectl(llmtrain, *label)
    llmtrain.wait_until(lambda: _CANARY in set(_tokens_of_processes()), within_seconds=600)
    pods = json.dumps(job.pods())
    job.wait_for_phase(Phase.SUCCEEDED)
    assert '"rdma/ib": "1"' in pods
    assert any(name.startswith("bringing/commits/results/data/") for name in bucket.names())

    logs = [path.read_text() for path in (job.workspace.root / "logs").iterdir()]
    operator = kubectl(llmtrain, "logs", "deployment/llmtrain", f"--namespace={OPERATOR_NAMESPACE}")
    described = kubectl(llmtrain, "get", "ltj,events,rayclusters", "-n", NAMESPACE, "--output=yaml")
    assert logs
    outputs = (*logs, operator, described, pods)
    assert not [text for text in outputs if _CANARY in text or BUCKET_CANARY in text]
    job.delete()
    job.wait_until_nothing_is_left()


def _tokens_of_processes() -> Iterator[str]:
    """Values of the variable in the environments of all processes on this machine."""
    for process in psutil.process_iter(["environ"]):
        yield (process.info["environ"] or {}).get("HF_TOKEN", "")
