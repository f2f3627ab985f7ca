"""What stands in a job's way is told in its condition, and the job goes on when it is gone."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from support.cluster.api_client import Json
from support.nodeless_cluster import NodelessCluster
from support.nodeless_job import NodelessJob
from support.operator_process import running_warm_operator

from llmtrain_api.stages import Stage
from llmtrain_api.status import JobStatus, Phase, StageState

_SETTINGS = {"pollSeconds": 0.1}
_CLUSTERS = "/apis/ray.io/v1/namespaces/default/rayclusters"
_QUOTAS = "/api/v1/namespaces/default/resourcequotas"
_MERGE = "application/merge-patch+json"


@pytest.fixture(autouse=True)
def operator(cluster: NodelessCluster, tmp_path: Path) -> Iterator[None]:
    with running_warm_operator(cluster.operator_kubeconfig, tmp_path, **_SETTINGS):
        yield
    cluster.ray.endless = ()


def _reasons(status: JobStatus) -> set[str]:
    return {condition.reason for condition in status.conditions}


def test_a_quota_is_told_in_the_server_s_words(cluster: NodelessCluster) -> None:
    quota: Json = {
        "metadata": {"name": "none"},
        "spec": {"hard": {"count/rayclusters.ray.io": "0"}},
    }
    cluster.client.request("POST", _QUOTAS, quota)
    job = NodelessJob.short(cluster.client, "over-quota")
    status = job.wait_until(lambda status: "ClusterRefused" in _reasons(status))
    assert "quota" in status.conditions[0].message
    cluster.client.request("DELETE", f"{_QUOTAS}/none")
    job.wait_for_phase(Phase.SUCCEEDED)
    job.delete()


def test_a_raycluster_of_somebody_else_is_left_alone_and_named(cluster: NodelessCluster) -> None:
    with cluster.kubelet.idle():
        model = NodelessJob.short(cluster.client, "model")
        model.wait_until(lambda _: bool(model.ray_clusters))
        (made,) = model.ray_clusters
        theirs = {
            "apiVersion": made["apiVersion"],
            "kind": made["kind"],
            "metadata": {"name": "name-taken-cpus-0"},
            "spec": made["spec"],
        }
        cluster.client.request("POST", _CLUSTERS, theirs)
        job = NodelessJob.short(cluster.client, "name-taken")
        status = job.wait_until(lambda status: "NameTaken" in _reasons(status))
        assert "name-taken-cpus-0" in status.conditions[0].message
        cluster.client.request("GET", f"{_CLUSTERS}/name-taken-cpus-0")
        cluster.client.request("DELETE", f"{_CLUSTERS}/name-taken-cpus-0")
        model.delete()
    job.wait_for_phase(Phase.SUCCEEDED)
    job.delete()


def test_a_queue_takes_the_compute_away_and_gives_it_back(cluster: NodelessCluster) -> None:
    """As Kueue does it: by the RayCluster's own `suspend`."""
    cluster.ray.endless = ("data-0",)
    policy = {"queueName": "ml", "retries": {"infrastructure": 0, "application": 0}}
    job = NodelessJob.short(cluster.client, "evicted", policy=policy)
    job.wait_for_stage(Stage.DATA, StageState.RUNNING)
    (before,) = job.ray_clusters
    path = f"{_CLUSTERS}/{before['metadata']['name']}"
    cluster.client.request("PATCH", path, {"spec": {"suspend": True}}, content=_MERGE)
    evicted = job.wait_until(lambda status: "Queued" in _reasons(status))
    assert evicted.stage(Stage.DATA).failures.preemption == 1
    cluster.client.request("PATCH", path, {"spec": {"suspend": False}}, content=_MERGE)
    job.wait_until(lambda status: status.stage(Stage.DATA).state is StageState.SUCCEEDED)
    done = job.wait_for_phase(Phase.SUCCEEDED)
    assert done.cluster is not None
    assert done.cluster.name == before["metadata"]["name"]
    job.delete()
