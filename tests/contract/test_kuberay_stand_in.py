"""RayClusters on a real API server, cared for by the stand-in for KubeRay, or by KubeRay itself."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from support.cluster.api_client import ApiClient
from support.cluster.processes import Process
from support.kuberay import running_kuberay
from support.kuberay.names import HEAD, WORKER, Json
from support.kuberay.scene import Scene, ray_cluster

(_WORKERS,) = ray_cluster("any")["spec"]["workerGroupSpecs"]


@pytest.fixture(scope="module")
def manager(api_server: ApiClient, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Process]:
    kubeconfig: Path = tmp_path_factory.mktemp("kuberay") / "kubeconfig"
    api_server.write_kubeconfig(kubeconfig)
    with running_kuberay(kubeconfig, api_server) as process:
        yield process


@pytest.fixture
def scene(api_server: ApiClient, manager: Process, request: pytest.FixtureRequest) -> Scene:
    """A RayCluster of the test's own name, not yet created."""
    name = request.node.name.removeprefix("test_").replace("_", "-")
    return Scene(api_server, manager, name)


def names_of(pods: list[Json]) -> set[str]:
    return {pod["metadata"]["name"] for pod in pods}


def test_pods_service_and_secret(scene: Scene) -> None:
    pods = scene.create().wait_for_pods()
    service = scene.find("services", f"{scene.name}-head-svc")
    secret = scene.find("secrets", scene.name)

    assert service is not None
    assert secret is not None
    assert service["spec"]["clusterIP"] == "None"
    assert set(secret["data"]) == {"auth_token"}
    uid = scene.get()["metadata"]["uid"]
    for child in [*pods, service, secret]:
        (owner,) = child["metadata"]["ownerReferences"]
        assert (owner["uid"], owner["controller"]) == (uid, True)


def test_ready_with_all_pods(scene: Scene) -> None:
    *first, last = scene.create().wait_for_pods()
    for pod in first:
        scene.set_pod(pod, "Running", ready=True)
    scene.manager.wait_until(lambda: scene.status().get("availableWorkerReplicas", 0) >= 1)
    assert "state" not in scene.status()
    assert scene.condition("RayClusterProvisioned")["status"] == "False"

    scene.set_pod(last, "Running", ready=True)
    scene.wait_for_state("ready")

    status = scene.status()
    assert status["readyWorkerReplicas"] == status["desiredWorkerReplicas"] == 2
    assert status["head"]["serviceName"] == f"{scene.name}-head-svc"
    assert status["head"]["podIP"] == status["head"]["serviceIP"]
    assert status["endpoints"]["dashboard"] == "8265"
    assert scene.condition("HeadPodReady")["reason"] == "HeadPodRunningAndReady"
    assert scene.condition("RayClusterProvisioned")["status"] == "True"


def test_deleted_worker_comes_back(scene: Scene) -> None:
    scene.create().wait_for_pods()
    worker = scene.pods(WORKER)[0]

    scene.delete(f"{scene.core}/pods/{worker['metadata']['name']}")

    scene.manager.wait_until(lambda: len(names_of(scene.pods(WORKER)) - names_of([worker])) == 2)
    index = "ray.io/worker-group-replica-index"
    assert {pod["metadata"]["labels"][index] for pod in scene.pods(WORKER)} == {"0", "1"}


def test_failed_worker_is_replaced(scene: Scene) -> None:
    scene.create().become_ready()
    failed = scene.pods(WORKER)[0]

    scene.set_pod(failed, "Failed", ready=False)

    scene.manager.wait_until(lambda: len(names_of(scene.pods(WORKER)) - names_of([failed])) == 2)
    scene.manager.wait_until(lambda: scene.status()["readyWorkerReplicas"] == 1)
    assert scene.status()["state"] == "ready"  # it stays, whatever becomes of the Pods


def test_failed_head_stays_away(scene: Scene) -> None:
    scene.create().become_ready()

    scene.set_pod(scene.pods(HEAD)[0], "Failed", ready=False)
    scene.manager.wait_until(lambda: not scene.pods(HEAD))
    scene.manager.wait_until(lambda: scene.condition("HeadPodReady")["status"] == "False")

    assert scene.condition("HeadPodReady")["reason"] == "HeadPodNotFound"
    assert scene.status()["state"] == "ready"
    assert len(scene.pods(WORKER)) == 2


def test_suspended_and_resumed(scene: Scene) -> None:
    scene.create().become_ready()

    scene.change({"suspend": True})
    scene.wait_for_state("suspended")
    assert scene.pods() == []
    assert scene.condition("RayClusterSuspended")["status"] == "True"
    assert scene.condition("RayClusterProvisioned")["status"] == "False"
    assert scene.find("services", f"{scene.name}-head-svc")

    scene.change({"suspend": None})
    scene.named("meanwhile").create().wait_for_pods()  # so its turn has been
    assert scene.pods() == []  # that the field is gone is not enough

    scene.change({"suspend": False})
    scene.become_ready()
    assert scene.condition("RayClusterSuspended")["status"] == "False"


def test_born_suspended(scene: Scene) -> None:
    scene.create(suspend=True)
    scene.wait_for_state("suspended")
    assert scene.pods() == []


def test_refused_pods_show_in_the_status(api_server: ApiClient, manager: Process) -> None:
    restricted = {"pod-security.kubernetes.io/enforce": "restricted"}
    namespace = {"metadata": {"name": "restricted", "labels": restricted}}
    api_server.request("POST", "/api/v1/namespaces", namespace)
    scene = Scene(api_server, manager, "refused", namespace="restricted").create()

    manager.wait_until(lambda: scene.condition("ReplicaFailure").get("status") == "True")

    assert scene.condition("ReplicaFailure")["reason"] == "FailedCreateHeadPod"
    assert "PodSecurity" in scene.condition("ReplicaFailure")["message"]


_INVALID: list[tuple[str, Json]] = [
    ("a" * 54, {}),
    ("1a", {}),
    ("no-version", {"rayVersion": ""}),
    ("old-ray", {"rayVersion": "2.51.0"}),
    ("too-few", {"workerGroupSpecs": [_WORKERS | {"maxReplicas": 1}]}),
    ("labels", {"workerGroupSpecs": [_WORKERS | {"rayStartParams": {"labels": "a=b"}}]}),
]


def test_invalid_clusters_are_passed_over(scene: Scene) -> None:
    invalid = [scene.named(name).create(**changes) for name, changes in _INVALID]
    scene.create().wait_for_pods()  # so their turn has been
    for other in invalid:
        assert other.pods() == []
        assert other.status() == {}


def test_nothing_comes_back_of_a_deleted_cluster(scene: Scene) -> None:
    pods = scene.create().wait_for_pods()
    scene.delete(scene.path)
    for pod in pods:
        scene.delete(f"{scene.core}/pods/{pod['metadata']['name']}")
    scene.named("one-more").create().wait_for_pods()  # so its turn has been
    assert scene.pods() == []
