"""Delete a job in any phase of its life: nothing of it is left, and nothing comes back."""

from collections.abc import Callable, Iterator
from contextlib import nullcontext
from pathlib import Path

import pytest
from support.cluster.jobs import JOBS
from support.nodeless_cluster import NodelessCluster
from support.nodeless_job import NodelessJob, objects, wait_for_nothing_but, wait_until
from support.operator_process import running_warm_operator
from support.restricted_jobs import pods_of

from llmtrain_api.names import JOB_NAME_MAX_LENGTH
from llmtrain_api.stages import Stage
from llmtrain_api.status import Phase, StageState

_SETTINGS = {"pollSeconds": 0.1, "resyncSeconds": 1}
_Arrival = Callable[[NodelessJob], object]


@pytest.fixture(autouse=True)
def honest_ray(cluster: NodelessCluster) -> Iterator[None]:
    """What a test lets fail fails in that test alone."""
    yield
    cluster.ray.failing = cluster.ray.endless = cluster.ray.stubborn = ()


def _nothing(_: NodelessJob) -> None:
    """It is deleted at once."""


def _cluster_starts(job: NodelessJob) -> None:
    job.wait_until(lambda _: bool(job.ray_clusters))
    assert job.status.stage(Stage.DATA).state is StageState.PENDING


def _runs(job: NodelessJob) -> None:
    job.wait_for_stage(Stage.DATA, StageState.RUNNING)


def _stops(job: NodelessJob) -> None:
    _runs(job)
    job.set_policy(suspend=True)
    job.wait_for_stage(Stage.DATA, StageState.STOPPING)


def _is_suspended(job: NodelessJob) -> None:
    _runs(job)
    job.set_policy(suspend=True)
    job.wait_for_phase(Phase.SUSPENDED)


def _succeeds(job: NodelessJob) -> None:
    job.wait_for_phase(Phase.SUCCEEDED)


def _fails(job: NodelessJob) -> None:
    job.wait_for_phase(Phase.FAILED)


_PHASES: dict[str, _Arrival] = {
    "new": _nothing,
    "starting": _cluster_starts,
    "running": _runs,
    "stopping": _stops,
    "suspended": _is_suspended,
    "succeeded": _succeeds,
    "failed": _fails,
}
_UNDER_WAY = {"running", "stopping", "suspended"}


def _hard_name(phase: str) -> str:
    """A job's name that Kubernetes takes for a job and not for a Service, as long as may be."""
    return f"7b-{phase}".ljust(JOB_NAME_MAX_LENGTH, "0")


@pytest.mark.parametrize("phase", _PHASES)
def test_nothing_is_left(cluster: NodelessCluster, tmp_path: Path, phase: str) -> None:
    before = objects(cluster.client)
    cluster.ray.endless = ("data-0",) if phase in _UNDER_WAY else ()
    cluster.ray.stubborn = ("data-0",) if phase == "stopping" else ()
    cluster.ray.failing = ("data-0",) if phase == "failed" else ()
    held = cluster.kubelet.idle() if phase == "starting" else nullcontext()
    with (
        running_warm_operator(cluster.operator_kubeconfig, tmp_path, **_SETTINGS) as operator,
        held,
    ):
        policy = {"retries": {"infrastructure": 0}}
        job = NodelessJob.short(cluster.client, _hard_name(phase), policy=policy)
        _PHASES[phase](job)

        job.delete()

        wait_for_nothing_but(cluster.client, before)
        assert operator.is_alive()


def test_a_job_of_the_same_name_starts_anew(cluster: NodelessCluster, tmp_path: Path) -> None:
    cluster.ray.endless = ("data-0",)
    with running_warm_operator(cluster.operator_kubeconfig, tmp_path, **_SETTINGS):
        first = NodelessJob.short(cluster.client, "twice")
        first.wait_for_stage(Stage.DATA, StageState.RUNNING)
        (old,) = first.ray_clusters
        first.delete()
        second = NodelessJob.short(cluster.client, "twice")
        second.wait_for_stage(Stage.DATA, StageState.RUNNING)
        (new,) = second.ray_clusters
        second.delete()

    assert new["metadata"]["uid"] != old["metadata"]["uid"]
    (owner,) = new["metadata"]["ownerReferences"]
    assert owner["uid"] != old["metadata"]["ownerReferences"][0]["uid"]


def test_a_job_that_a_finalizer_keeps_holds_no_compute(
    cluster: NodelessCluster, tmp_path: Path
) -> None:
    cluster.ray.endless = ("data-0",)
    with running_warm_operator(cluster.operator_kubeconfig, tmp_path, **_SETTINGS):
        job = NodelessJob.short(cluster.client, "kept")
        job.wait_for_stage(Stage.DATA, StageState.RUNNING)
        job.patch({"metadata": {"finalizers": ["example.com/audit"]}})
        cluster.client.request("DELETE", f"{JOBS}/kept")

        wait_until(lambda: not job.ray_clusters and not pods_of(cluster, "kept"))
        status = job.wait_for_phase(Phase.SUSPENDED)
        assert status.conditions[0].reason == "Deleting"
        assert "example.com/audit" in status.conditions[0].message
        job.patch({"metadata": {"finalizers": []}})
        wait_until(lambda: not job.exists)
