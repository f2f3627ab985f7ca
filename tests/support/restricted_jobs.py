"""Jobs for the tests of the command line, in a namespace for restricted Pods alone."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from support.cluster.api_client import Json
from support.cluster.jobs import JOBS, full_pipeline_job
from support.nodeless_cluster import NodelessCluster
from support.nodeless_job import NodelessJob
from support.operator_process import running_warm_operator

from llmtrain_api.status import Phase

DEFAULT = "/api/v1/namespaces/default"
MERGE = "application/merge-patch+json"
_SETTINGS = {"pollSeconds": 0.1, "resyncSeconds": 1}
_ENFORCE = "pod-security.kubernetes.io/enforce"


@contextmanager
def restricted_operator(cluster: NodelessCluster, folder: Path) -> Iterator[None]:
    """Run the operator, and let the API server refuse Pods that are not restricted."""
    _enforce(cluster, "restricted")
    with running_warm_operator(cluster.operator_kubeconfig, folder, **_SETTINGS):
        yield
    _enforce(cluster, None)


def _enforce(cluster: NodelessCluster, level: str | None) -> None:
    patch = {"metadata": {"labels": {_ENFORCE: level}}}
    cluster.client.request("PATCH", DEFAULT, patch, content=MERGE)


def make_job(cluster: NodelessCluster, name: str, **spec: object) -> NodelessJob:
    """Create a job of data and tokenizer.

    Args:
        cluster: where.
        name: name of the job.
        spec: more of it, as in YAML.
    """
    whole = full_pipeline_job(name)
    stages = {stage: whole["spec"][stage] for stage in ("data", "tokenizer")}
    return NodelessJob(cluster.client, whole | {"spec": stages | spec})


def make_ended_job(cluster: NodelessCluster, name: str, **spec: object) -> NodelessJob:
    """A job that has succeeded, and whose compute is given back; see `make_job`."""
    job = make_job(cluster, name, **spec)
    job.wait_for_phase(Phase.SUCCEEDED)
    job.wait_until(lambda _: not job.ray_clusters and not pods_of(cluster, name))
    return job


def pods_of(cluster: NodelessCluster, prefix: str) -> list[Json]:
    """Those whose name begins so."""
    items = cluster.client.request("GET", f"{DEFAULT}/pods")["items"]
    return [pod for pod in items if pod["metadata"]["name"].startswith(prefix)]


def delete_jobs(cluster: NodelessCluster, *, but: str = "") -> None:
    """Delete all jobs but one, and let Ray be honest again."""
    cluster.ray.failing = cluster.ray.endless = cluster.ray.stubborn = ()
    for name in {job["metadata"]["name"] for job in cluster.client.request("GET", JOBS)["items"]}:
        if name != but:
            cluster.client.request("DELETE", f"{JOBS}/{name}")
