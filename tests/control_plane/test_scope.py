"""An operator of single namespaces: one may go and come back, and KubeRay may come late."""

import time
import urllib.request
from pathlib import Path
from urllib.error import URLError

from support.cluster.api_client import ApiRefusal, Json
from support.cluster.control_plane import running_api_server
from support.cluster.processes import LOOPBACK, free_port
from support.definitions import define
from support.kuberay import make_definitions
from support.limited_user import grant, kubeconfig_of
from support.nodeless_cluster import NodelessCluster
from support.nodeless_job import NodelessJob, wait_until
from support.operator_process import running_operator
from support.repository import ROOT

from llmtrain_api.status import JobStatus, Phase

_NAMESPACES = "/api/v1/namespaces"
_ALL: list[Json] = [{"apiGroups": ["*"], "resources": ["*"], "verbs": ["*"]}]
_MERGE = "application/merge-patch+json"


def _reason(status: JobStatus) -> str:
    return next((condition.reason for condition in status.conditions), "")


def _make_namespace(cluster: NodelessCluster, name: str) -> None:
    """Make a namespace that the operator may do anything in."""
    cluster.client.request("POST", _NAMESPACES, {"metadata": {"name": name}})
    grant(cluster.client, "scoped", _ALL, namespace=name)


def _delete_namespace(cluster: NodelessCluster, name: str) -> None:
    cluster.client.request("DELETE", f"{_NAMESPACES}/{name}")

    def is_gone() -> bool:
        try:
            cluster.client.request("GET", f"{_NAMESPACES}/{name}")
        except ApiRefusal:
            return True
        return False

    wait_until(is_gone)


def _watched(port: int, namespace: str) -> bool | None:
    """What the operator's metrics say of a namespace; None where they cannot be read."""
    try:
        with urllib.request.urlopen(f"http://{LOOPBACK}:{port}/metrics") as reply:
            page = reply.read().decode()
    except (URLError, ConnectionError):
        return None
    sample = f'llmtrain_operator_namespace_watched{{namespace="{namespace}"}} '
    (line,) = [line for line in page.splitlines() if line.startswith(sample)]
    return float(line.removeprefix(sample)) == 1


def test_a_namespace_that_goes_stops_no_other_and_may_come_back(
    cluster: NodelessCluster, tmp_path: Path
) -> None:
    user = kubeconfig_of(cluster.client, "scoped", [], like=cluster.kubeconfig, folder=tmp_path)
    settings = {"namespaces": ["team-a", "team-b"], "resyncSeconds": 1, "pollSeconds": 0.1}
    port = free_port()
    for name in ("team-a", "team-b"):
        _make_namespace(cluster, name)
    with running_operator(user, tmp_path, metricsPort=port, **settings) as operator:
        first = NodelessJob.short(cluster.client, "both", namespace="team-b")
        first.wait_for_phase(Phase.SUCCEEDED)
        _delete_namespace(cluster, "team-b")

        wait_until(lambda: _watched(port, "team-b") is False)
        NodelessJob.short(cluster.client, "alone", namespace="team-a").wait_for_phase(
            Phase.SUCCEEDED
        )
        assert _watched(port, "team-a")

        _make_namespace(cluster, "team-b")
        NodelessJob.short(cluster.client, "again", namespace="team-b").wait_for_phase(
            Phase.SUCCEEDED
        )
        assert operator.poll() is None, "it never ended"
    for name in ("team-a", "team-b"):
        _delete_namespace(cluster, name)


def test_kuberay_that_comes_after_the_operator_is_watched_at_once(tmp_path: Path) -> None:
    """Its RayClusters are heard of, long before the resync looks at everything."""
    (tmp_path / "server").mkdir()
    with running_api_server(tmp_path / "server") as client:
        define(client, ROOT / "crds" / "llmtrain.io_llmtrainingjobs.yaml")
        kubeconfig = tmp_path / "kubeconfig"
        client.write_kubeconfig(kubeconfig)
        with running_operator(kubeconfig, tmp_path, namespaces=["default"], pollSeconds=0.1):
            job = NodelessJob.short(client, "early")
            job.wait_until(lambda status: _reason(status) == "KubeRayMissing")
            make_definitions(client)
            job.wait_until(lambda _: bool(job.ray_clusters))
            (made,) = job.ray_clusters
            path = f"/apis/ray.io/v1/namespaces/default/rayclusters/{made['metadata']['name']}"
            started = time.monotonic()
            client.request("PATCH", path, {"spec": {"suspend": True}}, content=_MERGE)
            job.wait_until(lambda status: _reason(status) == "Queued")
            assert time.monotonic() - started < 30
