"""The claim that a job works on is its own, and its Pods are shielded before there are any."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from support.nodeless_cluster import NodelessCluster
from support.nodeless_job import NodelessJob, objects, wait_for_nothing_but
from support.operator_process import running_warm_operator

from llmtrain_api.status import Phase

_NAMESPACE = "/api/v1/namespaces/default"
_POLICIES = "/apis/networking.k8s.io/v1/namespaces/default/networkpolicies"


@pytest.fixture(autouse=True)
def operator(cluster: NodelessCluster, tmp_path: Path) -> Iterator[None]:
    with running_warm_operator(cluster.operator_kubeconfig, tmp_path, pollSeconds=0.1):
        yield


def _uid_of_claim(cluster: NodelessCluster, name: str) -> str:
    claim = cluster.client.request("GET", f"{_NAMESPACE}/persistentvolumeclaims/{name}")
    return str(claim["metadata"]["uid"])


def test_a_claim_of_somebody_else_is_not_mounted_and_named(cluster: NodelessCluster) -> None:
    claims = f"{_NAMESPACE}/persistentvolumeclaims"
    spec = {"accessModes": ["ReadWriteMany"], "resources": {"requests": {"storage": "1Gi"}}}
    theirs = {"metadata": {"name": "greedy-workspace"}, "spec": spec}
    cluster.client.request("POST", claims, theirs)
    job = NodelessJob.short(cluster.client, "greedy")
    status = job.wait_until(lambda s: "ClaimTaken" in {c.reason for c in s.conditions})
    assert "greedy-workspace" in status.conditions[0].message
    assert "workspace.persistentVolumeClaim.claimName" in status.conditions[0].message
    assert job.ray_clusters == []
    cluster.client.request("DELETE", f"{claims}/greedy-workspace")
    job.wait_for_phase(Phase.SUCCEEDED)
    job.delete()


def test_the_next_job_of_a_name_goes_on_in_its_workspace(cluster: NodelessCluster) -> None:
    uids = []
    for _ in range(2):
        job = NodelessJob.short(cluster.client, "again")
        job.wait_for_phase(Phase.SUCCEEDED)
        uids.append(_uid_of_claim(cluster, "again-workspace"))
        job.delete()
    assert uids[0] == uids[1]


def test_a_job_has_its_network_policy_before_its_pods_and_not_for_longer(
    cluster: NodelessCluster,
) -> None:
    before = objects(cluster.client)
    with cluster.kubelet.idle():
        job = NodelessJob.short(cluster.client, "shielded")
        job.wait_until(lambda _: bool(job.ray_clusters))
        uid = job.body["metadata"]["uid"]
        policy = cluster.client.request("GET", f"{_POLICIES}/shielded-{uid[:8]}")
        own = {"podSelector": {"matchLabels": {"llmtrain.io/job": "shielded"}}}
        assert policy["spec"] == own | {"policyTypes": ["Ingress"], "ingress": [{"from": [own]}]}
        job.delete()
    wait_for_nothing_but(cluster.client, before)
