"""An obstacle is shown in the job's condition, and the job continues when it is gone."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from support.cluster.api_client import Json
from support.nodeless_cluster import NodelessCluster
from support.nodeless_job import NodelessJob, wait_until
from support.operator_process import running_warm_operator

from llmtrain_api.stages import Stage
from llmtrain_api.status import JobStatus, Phase, StageState

_SETTINGS = {"pollSeconds": 0.1}
_CLUSTERS = "/apis/ray.io/v1/namespaces/default/rayclusters"
_QUOTAS = "/api/v1/namespaces/default/resourcequotas"
_WEBHOOKS = "/apis/admissionregistration.k8s.io/v1/validatingwebhookconfigurations"
_MERGE = "application/merge-patch+json"


@pytest.fixture(autouse=True)
def operator(cluster: NodelessCluster, tmp_path: Path) -> Iterator[None]:
    with running_warm_operator(cluster.operator_kubeconfig, tmp_path, **_SETTINGS):
        yield
    cluster.ray.endless = ()


def _reasons(status: JobStatus) -> set[str]:
    return {condition.reason for condition in status.conditions}


def test_a_quota_is_reported_in_the_server_s_words(cluster: NodelessCluster) -> None:
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


def _quota(cluster: NodelessCluster, **hard: str) -> None:
    """Make a quota, and wait until it is enforced."""
    body: Json = {"metadata": {"name": "tight"}, "spec": {"hard": hard}}
    cluster.client.request("POST", _QUOTAS, body)
    wait_until(lambda: _get(cluster, f"{_QUOTAS}/tight").get("status", {}).get("hard") == hard)


def _get(cluster: NodelessCluster, path: str) -> Json:
    return cluster.client.request("GET", path)


def test_a_claim_that_exists_is_not_made_again(cluster: NodelessCluster) -> None:
    """A quota refuses a claim before the API server sees that it is there already."""
    cluster.ray.endless = ("data-0",)
    job = NodelessJob.short(cluster.client, "one-claim")
    job.wait_for_stage(Stage.DATA, StageState.RUNNING)
    claims = _get(cluster, "/api/v1/namespaces/default/persistentvolumeclaims")["items"]
    _quota(cluster, persistentvolumeclaims=str(len(claims)))
    job.set_policy(suspend=True)
    job.wait_for_phase(Phase.SUSPENDED)
    job.set_policy(suspend=False)
    done = job.wait_for_phase(Phase.SUCCEEDED)
    cluster.client.request("DELETE", f"{_QUOTAS}/tight")
    assert done.cluster is not None
    assert done.cluster.generation == 1, "a second RayCluster was made"
    job.delete()


def test_a_quota_of_cpu_limits_is_reported_in_the_server_s_words(cluster: NodelessCluster) -> None:
    _quota(cluster, **{"limits.cpu": "100"})
    job = NodelessJob.short(cluster.client, "no-limits")
    status = job.wait_until(lambda status: "PodsRefused" in _reasons(status))
    assert "must specify limits.cpu" in status.conditions[0].message
    assert status.phase is Phase.PENDING
    cluster.client.request("DELETE", f"{_QUOTAS}/tight")
    job.delete()


def test_a_webhook_that_is_down_is_reported_in_the_server_s_words(cluster: NodelessCluster) -> None:
    webhook: Json = {
        "metadata": {"name": "down"},
        "webhooks": [
            {
                "name": "down.example.com",
                "rules": [
                    {
                        "apiGroups": ["ray.io"],
                        "apiVersions": ["v1"],
                        "operations": ["CREATE"],
                        "resources": ["rayclusters"],
                    }
                ],
                "clientConfig": {"url": "https://127.0.0.1:1/validate"},
                "failurePolicy": "Fail",
                "sideEffects": "None",
                "admissionReviewVersions": ["v1"],
            }
        ],
    }
    cluster.client.request("POST", _WEBHOOKS, webhook)
    job = NodelessJob.short(cluster.client, "hooked")
    status = job.wait_until(lambda status: "ClusterRefused" in _reasons(status))
    cluster.client.request("DELETE", f"{_WEBHOOKS}/down")
    assert 'failed calling webhook "down.example.com"' in status.conditions[0].message
    events = "/api/v1/namespaces/default/events?fieldSelector=involvedObject.name=hooked"
    wait_until(
        lambda: any("down.example.com" in e["message"] for e in _get(cluster, events)["items"])
    )
    job.wait_for_phase(Phase.SUCCEEDED)
    job.delete()


def test_what_an_orphaned_job_left_is_named_with_the_command_that_removes_it(
    cluster: NodelessCluster,
) -> None:
    cluster.ray.endless = ("data-0",)
    collected = NodelessJob.short(cluster.client, "collected")
    collected.wait_until(lambda _: bool(collected.ray_clusters))
    collected.delete()
    # Until it knows of RayClusters, the garbage collector would collect what it is to orphan.
    wait_until(lambda: not collected.ray_clusters)
    first = NodelessJob.short(cluster.client, "orphaned")
    first.wait_for_stage(Stage.DATA, StageState.RUNNING)
    first.delete(propagation="Orphan")
    cluster.ray.endless = ()
    second = NodelessJob.short(cluster.client, "orphaned")
    status = second.wait_until(lambda status: "ClusterOrphaned" in _reasons(status))
    (left,) = second.ray_clusters
    name = left["metadata"]["name"]
    assert f"kubectl delete raycluster -n default {name}" in status.conditions[0].message
    assert status.cluster is not None
    assert status.cluster.waiting_since is not None, "the wait has a limit"
    cluster.client.request("DELETE", f"{_CLUSTERS}/{name}")
    second.wait_for_phase(Phase.SUCCEEDED)
    second.delete()


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
    assert evicted.stage(Stage.DATA).run.failures.preemption == 1
    assert evicted.phase is Phase.QUEUED
    assert evicted.queued_since is not None, "its deadline stands still"
    cluster.client.request("PATCH", path, {"spec": {"suspend": False}}, content=_MERGE)
    job.wait_until(lambda status: status.stage(Stage.DATA).state is StageState.SUCCEEDED)
    done = job.wait_for_phase(Phase.SUCCEEDED)
    assert done.cluster is not None
    assert done.cluster.name == before["metadata"]["name"]
    job.delete()
