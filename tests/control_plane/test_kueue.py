"""Jobs in queues of the real Kueue: two teams that share a cohort, each with room for one job."""

from collections.abc import Iterator

import pytest
import yaml
from support.cluster.api_client import Json
from support.cluster.jobs import full_pipeline_job
from support.kueue import running_kueue
from support.nodeless_cluster import NodelessCluster
from support.nodeless_job import NodelessJob, wait_until
from support.operator_process import running_warm_operator
from support.repository import ROOT

from llmtrain_api.stages import Stage
from llmtrain_api.status import Failures, JobStatus, Phase, StageState

_EXAMPLE = ROOT / "manifests" / "kueue" / "two-teams.yaml"
_VERSION = "kueue.x-k8s.io/v1beta2"
_KUEUE = f"/apis/{_VERSION}"
_PLACES = {
    "ResourceFlavor": f"{_KUEUE}/resourceflavors",
    "ClusterQueue": f"{_KUEUE}/clusterqueues",
    "LocalQueue": f"{_KUEUE}/namespaces/{{namespace}}/localqueues",
    "AdmissionCheck": f"{_KUEUE}/admissionchecks",
    "PriorityClass": "/apis/scheduling.k8s.io/v1/priorityclasses",
}
_WORKLOADS = f"{_KUEUE}/workloads"
_MERGE = "application/merge-patch+json"
_SETTINGS = {"pollSeconds": 0.1, "resyncSeconds": 1}
_ONE_CPU = {"cpus": 1, "memory": "1Gi"}
_CPUS_OF_A_JOB = 2


@pytest.fixture(scope="module", autouse=True)
def _kueue(cluster: NodelessCluster, tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Kueue with the queues of our example, and the operator."""
    with running_kueue(cluster.admin_kubeconfig, cluster.client):
        for team in ("vision", "speech"):
            cluster.client.request("POST", "/api/v1/namespaces", {"metadata": {"name": team}})
        for document in yaml.safe_load_all(_EXAMPLE.read_text()):
            if document["kind"] == "ClusterQueue":
                _leave_room_for_one_job(document["spec"])
            _make(cluster, document)
        folder = tmp_path_factory.mktemp("operator")
        with running_warm_operator(cluster.operator_kubeconfig, folder, **_SETTINGS):
            yield


@pytest.fixture(autouse=True)
def _calm(cluster: NodelessCluster) -> Iterator[None]:
    yield
    cluster.ray.endless = ()


def _leave_room_for_one_job(queue: Json) -> None:
    (resources,) = (f["resources"] for g in queue["resourceGroups"] for f in g["flavors"])
    (cpus,) = (resource for resource in resources if resource["name"] == "cpu")
    cpus["nominalQuota"] = _CPUS_OF_A_JOB


def _make(cluster: NodelessCluster, document: Json) -> None:
    path = _PLACES[document["kind"]].format(namespace=document["metadata"].get("namespace"))
    cluster.client.request("POST", path, document)


def _of_kueue(kind: str, name: str, spec: Json, **meta: str) -> Json:
    return {"apiVersion": _VERSION, "kind": kind, "metadata": {"name": name, **meta}, "spec": spec}


def _local_queue(name: str, of: str) -> Json:
    return _of_kueue("LocalQueue", name, {"clusterQueue": of}, namespace="vision")


def _job(
    cluster: NodelessCluster, name: str, team: str, queue: str = "ml", **policy: object
) -> NodelessJob:
    body = full_pipeline_job(name)
    body["spec"] = {stage: body["spec"][stage] for stage in ("data", "tokenizer")} | {
        "compute": {"head": _ONE_CPU, "cpus": _ONE_CPU},
        "policy": {
            "queueName": queue,
            "retries": {"infrastructure": 0, "application": 0},
            **policy,
        },
    }
    return NodelessJob(cluster.client, body, namespace=team)


def _holding(cluster: NodelessCluster, name: str, team: str) -> NodelessJob:
    """A job whose data stage runs until Ray is no longer `endless`."""
    cluster.ray.endless = ("data-0",)
    job = _job(cluster, name, team)
    job.wait_for_stage(Stage.DATA, StageState.RUNNING)
    return job


def _queued_because(job: NodelessJob, words: str) -> JobStatus:
    def told(status: JobStatus) -> bool:
        return any(c.reason == "Queued" and words in c.message for c in status.conditions)

    return job.wait_until(told)


def test_a_ray_cluster_is_admitted_whole_and_keeps_its_flavour(cluster: NodelessCluster) -> None:
    job = _holding(cluster, "admitted", "vision")
    (ray_cluster,) = job.ray_clusters
    spec = ray_cluster["spec"]
    for group in (spec["headGroupSpec"], *spec["workerGroupSpecs"]):
        assert group["template"]["spec"]["nodeSelector"] == {"example.com/pool": "gpu"}
    (workload,) = cluster.client.request("GET", _WORKLOADS)["items"]
    assert [pods["name"] for pods in workload["spec"]["podSets"]] == ["head", "cpus"]
    cluster.ray.endless = ()
    job.wait_for_phase(Phase.SUCCEEDED)
    job.delete()
    wait_until(lambda: not cluster.client.request("GET", _WORKLOADS)["items"])


def test_a_full_queue_costs_neither_deadline_nor_patience(cluster: NodelessCluster) -> None:
    holders = [_holding(cluster, f"holder-of-{team}", team) for team in ("vision", "speech")]
    waiting = _job(cluster, "waiting", "vision")
    status = _queued_because(waiting, "insufficient unused quota for cpu")
    assert status.phase is Phase.QUEUED
    assert status.queued_since is not None, "the deadline stands still"
    assert status.cluster is not None
    assert status.cluster.waiting_since is None, "the wait has no limit"
    cluster.ray.endless = ()
    done = waiting.wait_for_phase(Phase.SUCCEEDED)
    assert done.goodput is not None
    assert done.goodput.seconds.queued > 0
    for job in (*holders, waiting):
        job.delete()


def test_a_higher_priority_takes_the_compute_and_gives_it_back(cluster: NodelessCluster) -> None:
    neighbour = _holding(cluster, "neighbour", "speech")
    low = _holding(cluster, "low", "vision")
    (before,) = low.ray_clusters
    high = _job(cluster, "high", "vision", priorityClassName="urgent")
    evicted = _queued_because(low, "")
    assert evicted.stage(Stage.DATA).run.failures == Failures(preemption=1)
    cluster.ray.endless = ()
    high.wait_for_phase(Phase.SUCCEEDED)
    done = low.wait_for_phase(Phase.SUCCEEDED)
    assert done.cluster is not None
    assert done.cluster.name == before["metadata"]["name"]
    for job in (neighbour, low, high):
        job.delete()


def test_a_team_borrows_and_the_owner_reclaims(cluster: NodelessCluster) -> None:
    own = _holding(cluster, "own", "vision")
    borrowed = _holding(cluster, "borrowed", "vision")
    owner = _job(cluster, "owner", "speech")
    evicted = borrowed.wait_until(lambda status: status.queued_since is not None)
    assert evicted.stage(Stage.DATA).run.failures == Failures(preemption=1)
    owner.wait_for_stage(Stage.DATA, StageState.RUNNING)
    assert own.status.stage(Stage.DATA).state is StageState.RUNNING
    cluster.ray.endless = ()
    for job in (owner, own, borrowed):
        job.wait_for_phase(Phase.SUCCEEDED)
        job.delete()


def test_a_queue_that_does_not_exist_yet(cluster: NodelessCluster) -> None:
    job = _job(cluster, "early", "vision", "later")
    _queued_because(job, "LocalQueue later doesn't exist")
    _make(cluster, _local_queue("later", "vision"))
    job.wait_for_phase(Phase.SUCCEEDED)
    job.delete()


def test_a_stopped_queue_drains_and_continues(cluster: NodelessCluster) -> None:
    job = _holding(cluster, "drained", "vision")
    path = f"{_KUEUE}/clusterqueues/vision"
    stopped = {"spec": {"stopPolicy": "HoldAndDrain"}}
    cluster.client.request("PATCH", path, stopped, content=_MERGE)
    _queued_because(job, "ClusterQueue vision is inactive")
    cluster.ray.endless = ()
    cluster.client.request("PATCH", path, {"spec": {"stopPolicy": "None"}}, content=_MERGE)
    done = job.wait_for_phase(Phase.SUCCEEDED)
    assert done.stage(Stage.DATA).run.failures == Failures(preemption=1)
    job.delete()


def test_a_ray_cluster_that_another_cluster_runs_is_left_alone(cluster: NodelessCluster) -> None:
    check = {
        "controllerName": "kueue.x-k8s.io/multikueue",
        "parameters": {"apiGroup": "kueue.x-k8s.io", "kind": "MultiKueueConfig", "name": "far"},
    }
    _make(cluster, _of_kueue("AdmissionCheck", "far", check))
    queue = {
        "namespaceSelector": {},
        "admissionChecksStrategy": {"admissionChecks": [{"name": "far"}]},
    }
    _make(cluster, _of_kueue("ClusterQueue", "far", queue))
    _make(cluster, _local_queue("far", "far"))
    job = _job(cluster, "far-away", "vision", "far")
    _queued_because(job, "ClusterQueue far is inactive")
    (before,) = job.ray_clusters
    assert before["spec"]["managedBy"] == "kueue.x-k8s.io/multikueue"
    job.set_policy(ttlSecondsAfterFinished=3600)
    job.wait_until(lambda status: status.observed_generation == job.body["metadata"]["generation"])
    (after,) = job.ray_clusters
    assert after["spec"] == before["spec"]
    job.delete()
