"""A job's Secret, second claim and extended resource, on a node for restricted Pods alone."""

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

from llmtrain_api.status import Phase

pytestmark = [pytest.mark.node, pytest.mark.timeout(1800)]

_CANARY = "canary-5f3a9c"
_MERGE = "application/merge-patch+json"
_HUB = {"name": "hub", "environment": [{"name": "HF_TOKEN", "key": "token"}], "files": True}


def test_they_reach_its_processes_and_the_secret_no_output(llmtrain: Node) -> None:
    client = llmtrain.client
    client.request(
        "POST",
        f"/api/v1/namespaces/{NAMESPACE}/secrets",
        {"metadata": {"name": "hub"}, "stringData": {"token": _CANARY}},
    )
    (node,) = client.request("GET", "/api/v1/nodes")["items"]
    devices = {"status": {"capacity": {"rdma/ib": "4"}}}
    of_node = f"/api/v1/nodes/{node['metadata']['name']}/status"
    client.request("PATCH", of_node, devices, content=_MERGE)
    write_corpus(make_claim(llmtrain, NAMESPACE, "corpora"))

    spec = {key: small_spec()[key] for key in ("compute", "data")}
    spec["compute"]["cpus"] = {"replicas": 1, "cpus": 1, "profile": "ib"}
    spec["data"]["sources"][0]["files"]["paths"] = ["/mnt/volumes/corpus/documents.jsonl"]
    volumes = [{"name": "corpus", "claimName": "corpora"}]
    job = ClusterJob(llmtrain, "bringing", spec | {"secrets": [_HUB], "volumes": volumes})

    job.wait_until(lambda status: "SecretNotForJobs" in {c.reason for c in status.conditions})
    label = ("label", "secret", "-n", NAMESPACE, "hub", "llmtrain.io/for-jobs=true")
    kubectl(llmtrain, *label)
    llmtrain.wait_until(lambda: _CANARY in set(_tokens_of_processes()), within_seconds=600)
    pods = json.dumps(job.pods())
    job.wait_for_phase(Phase.SUCCEEDED)
    assert '"rdma/ib": "1"' in pods

    logs = [path.read_text() for path in (job.workspace.root / "logs").iterdir()]
    operator = kubectl(llmtrain, "logs", "deployment/llmtrain", f"--namespace={OPERATOR_NAMESPACE}")
    described = kubectl(llmtrain, "get", "ltj,events,rayclusters", "-n", NAMESPACE, "--output=yaml")
    assert logs
    assert not [text for text in (*logs, operator, described, pods) if _CANARY in text]
    job.delete()
    job.wait_until_nothing_is_left()


def _tokens_of_processes() -> Iterator[str]:
    """Values of the variable in the environments of all processes on this machine."""
    for process in psutil.process_iter(["environ"]):
        yield (process.info["environ"] or {}).get("HF_TOKEN", "")
