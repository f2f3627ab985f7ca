"""What a job brings into its Pods, on a real API server: refused with the reason, or there."""

import base64
import json
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from support.cluster.api_client import Json
from support.cluster.processes import LOOPBACK, free_port
from support.nodeless_cluster import NodelessCluster
from support.nodeless_job import NodelessJob, wait_until
from support.operator_process import running_warm_operator

from llmtrain_api.status import JobStatus, Phase

_CORE = "/api/v1/namespaces/default"
_MERGE = "application/merge-patch+json"
_CANARY = "canary-5f3a9c"
_HUB = {"name": "hub", "environment": [{"name": "HF_TOKEN", "key": "token"}]}


_PROFILES: Json = {
    "ib": {
        "resources": {"rdma/ib": 1},
        "environment": [{"name": "NCCL_IB_HCA", "value": "mlx5"}],
        "sharedMemory": "1Gi",
        "tolerations": [{"key": "rdma"}],
        "affinity": {
            "podAffinity": {
                "requiredDuringSchedulingIgnoredDuringExecution": [{"topologyKey": "rack"}]
            }
        },
        "annotations": {"k8s.v1.cni.cncf.io/networks": "ib0"},
    }
}


@dataclass(frozen=True)
class _Operator:
    folder: Path
    metrics_port: int

    @property
    def log(self) -> str:
        """What it has logged."""
        return (self.folder / "operator.log").read_text()

    @property
    def metrics(self) -> str:
        """What Prometheus reads."""
        with urllib.request.urlopen(f"http://{LOOPBACK}:{self.metrics_port}/metrics") as reply:
            text: str = reply.read().decode()
        return text


@pytest.fixture(autouse=True)
def operator(cluster: NodelessCluster, tmp_path: Path) -> Iterator[_Operator]:
    port = free_port()
    permitted = {"serviceAccounts": [{"name": "bucket-reader"}], "labels": ["example.com/"]}
    settings = {"pollSeconds": 0.1, "permitted": permitted, "profiles": _PROFILES}
    with running_warm_operator(cluster.operator_kubeconfig, tmp_path, metricsPort=port, **settings):
        yield _Operator(tmp_path, port)


@pytest.fixture
def secrets(cluster: NodelessCluster) -> Iterator[None]:
    """Two Secrets: one for jobs, and one that is not."""
    for name, labels in (("hub", {"llmtrain.io/for-jobs": "true"}), ("private", {})):
        body = {"metadata": {"name": name, "labels": labels}, "stringData": {"token": _CANARY}}
        cluster.client.request("POST", f"{_CORE}/secrets", body)
    yield
    for name in ("hub", "private"):
        cluster.client.request("DELETE", f"{_CORE}/secrets/{name}")


def _has(reason: str, status: JobStatus) -> bool:
    return reason in {condition.reason for condition in status.conditions}


def _pods(cluster: NodelessCluster, job: str) -> list[Json]:
    path = f"{_CORE}/pods?labelSelector=llmtrain.io/job={job}"
    pods: list[Json] = cluster.client.request("GET", path)["items"]
    return pods


@pytest.mark.usefixtures("secrets")
def test_a_secret_is_used_once_its_owner_labels_it(cluster: NodelessCluster) -> None:
    job = NodelessJob.short(cluster.client, "eager", secrets=[{"name": "private", "files": True}])
    status = job.wait_until(lambda status: _has("SecretNotForJobs", status))
    assert "kubectl label secret -n default private" in status.conditions[0].message
    assert status.phase is Phase.PENDING
    assert job.ray_clusters == []
    label = {"metadata": {"labels": {"llmtrain.io/for-jobs": "true"}}}
    cluster.client.request("PATCH", f"{_CORE}/secrets/private", label, content=_MERGE)
    job.wait_for_phase(Phase.SUCCEEDED)
    job.delete()


def test_a_secret_that_is_not_there_is_named(cluster: NodelessCluster) -> None:
    job = NodelessJob.short(cluster.client, "patient", secrets=[_HUB])
    status = job.wait_until(lambda status: _has("SecretMissing", status))
    assert "no Secret hub in the namespace default" in status.conditions[0].message
    job.delete()


@pytest.mark.usefixtures("secrets")
def test_a_secret_is_in_no_output(cluster: NodelessCluster, operator: _Operator) -> None:
    variables = [{"name": "NCCL_DEBUG", "value": "WARN"}]
    with cluster.kubelet.idle():
        job = NodelessJob.short(
            cluster.client, "discreet", environment=variables, secrets=[_HUB | {"files": True}]
        )
        wait_until(lambda: len(_pods(cluster, "discreet")) > 1)
        pods = _pods(cluster, "discreet")
        ray_clusters = job.ray_clusters
    for pod in pods:
        env = {each["name"]: each for each in pod["spec"]["containers"][0]["env"]}
        reference = {"name": "hub", "key": "token"}
        assert env["HF_TOKEN"]["valueFrom"] == {"secretKeyRef": reference}
        assert env["NCCL_DEBUG"]["value"] == "WARN"
    job.wait_for_phase(Phase.SUCCEEDED)
    events = cluster.client.request("GET", f"{_CORE}/events")
    outputs = {
        "job": job.body,
        "Pods": pods,
        "RayClusters": ray_clusters,
        "events": events,
        "run configs": [each.decode(errors="replace") for each in cluster.ray.packages.values()],
        "log": operator.log,
        "metrics": operator.metrics,
    }
    job.delete()
    encoded = base64.b64encode(_CANARY.encode()).decode()
    told = {name for name, output in outputs.items() if _tells(output, _CANARY, encoded)}
    assert told == set()
    assert _tells(cluster.client.request("GET", f"{_CORE}/secrets/hub"), encoded)


def test_a_second_claim_is_mounted_read_only(cluster: NodelessCluster) -> None:
    cluster.client.request(
        "POST", f"{_CORE}/serviceaccounts", {"metadata": {"name": "bucket-reader"}}
    )
    with cluster.kubelet.idle():
        job = NodelessJob.short(
            cluster.client,
            "reading",
            volumes=[{"name": "corpus", "claimName": "corpora"}],
            serviceAccountName="bucket-reader",
            labels={"example.com/team": "a"},
        )
        wait_until(lambda: len(_pods(cluster, "reading")) > 1)
        for pod in _pods(cluster, "reading"):
            spec, (container, *_) = pod["spec"], pod["spec"]["containers"]
            mounts = {mount["name"]: mount for mount in container["volumeMounts"]}
            mount = {"name": "volume-corpus", "mountPath": "/mnt/volumes/corpus", "readOnly": True}
            assert mounts["volume-corpus"] == mount
            claims = {each["name"]: each.get("persistentVolumeClaim") for each in spec["volumes"]}
            assert claims["volume-corpus"] == {"claimName": "corpora", "readOnly": True}
            assert spec["serviceAccountName"] == "bucket-reader"
            assert spec["automountServiceAccountToken"] is False
            assert pod["metadata"]["labels"]["example.com/team"] == "a"
            assert pod["metadata"]["labels"]["llmtrain.io/job"] == "reading"
        job.delete()


def test_what_is_not_permitted_makes_no_pods(cluster: NodelessCluster) -> None:
    job = NodelessJob.short(cluster.client, "privileged", serviceAccountName="admin")
    status = job.wait_until(lambda status: _has("ServiceAccountNotAllowed", status))
    assert "this cluster allows service accounts: bucket-reader;" in status.conditions[0].message
    assert job.ray_clusters == []
    job.delete()


def test_a_profile_is_in_the_pods_that_name_it(cluster: NodelessCluster) -> None:
    compute = {"cpus": {"profile": "ib", "replicas": 2}}
    with cluster.kubelet.idle():
        job = NodelessJob.short(cluster.client, "connected", compute=compute)
        wait_until(lambda: len(_pods(cluster, "connected")) > 2)
        pods = _pods(cluster, "connected")
        job.delete()
    (head,) = [pod for pod in pods if pod["metadata"]["labels"]["ray.io/node-type"] == "head"]
    assert "rdma/ib" not in head["spec"]["containers"][0]["resources"]["limits"]
    for pod in (pod for pod in pods if pod is not head):
        (container, *_), affinity = pod["spec"]["containers"], pod["spec"]["affinity"]
        assert container["resources"]["limits"]["rdma/ib"] == "1"
        assert {"name": "NCCL_IB_HCA", "value": "mlx5"} in container["env"]
        mounts = [(each["name"], each["mountPath"]) for each in container["volumeMounts"]]
        assert [name for name, path in mounts if path.endswith("/shm")] == ["shared-memory"]
        (term,) = affinity["podAffinity"]["requiredDuringSchedulingIgnoredDuringExecution"]
        assert term["labelSelector"] == {"matchLabels": {"llmtrain.io/job": "connected"}}
        assert pod["metadata"]["labels"]["llmtrain.io/profile"] == "ib"
        assert pod["metadata"]["annotations"]["k8s.v1.cni.cncf.io/networks"] == "ib0"


def test_an_unknown_profile_lists_those_there_are(cluster: NodelessCluster) -> None:
    job = NodelessJob.short(cluster.client, "lost", compute={"cpus": {"profile": "h100"}})
    status = job.wait_until(lambda status: _has("UnknownProfile", status))
    assert "no profile h100 on this cluster; there are: ib" in status.conditions[0].message
    job.delete()


def _tells(output: object, *canaries: str) -> bool:
    text = json.dumps(output)
    return any(canary in text for canary in canaries)
