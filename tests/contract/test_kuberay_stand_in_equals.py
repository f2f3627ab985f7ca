"""The stand-in makes the objects that KubeRay makes; shown where the real KubeRay can be had."""

import copy
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from support.cluster.api_client import ApiClient
from support.cluster.processes import Process
from support.kuberay import running_kuberay
from support.kuberay.head_service import head_service
from support.kuberay.manager import is_real
from support.kuberay.names import GROUP_LABEL, HEAD_GROUP, REPLICA_INDEX_LABEL, Json, secret_name
from support.kuberay.pods import head_pod, worker_pod
from support.kuberay.scene import Scene, ray_cluster
from support.kuberay.status import status_of
from support.kuberay.token import token_secret
from support.repository import ROOT

pytestmark = pytest.mark.skipif(not is_real(), reason="KUBERAY_OPERATOR names no real KubeRay")

_GIVEN_BY_THE_SERVER = ("uid", "resourceVersion", "creationTimestamp", "managedFields")
_HASH = "ray.io/upgrade-strategy-recreate-hash"
_WORDS_AND_TIMES = ("message", "lastTransitionTime")
_SUMS = ("desiredCPU", "desiredMemory", "desiredGPU", "desiredTPU")
_TIMES = ("lastUpdateTime", "stateTransitionTimes")


def with_ray(name: str, group: str = "headGroupSpec", **changes: Any) -> Json:
    """A RayCluster with changes to one group's Ray container and, named `pod`, to its Pod."""
    cluster = ray_cluster(name)
    spec = cluster["spec"]
    changed = spec["headGroupSpec"] if group == "headGroupSpec" else spec["workerGroupSpecs"][0]
    changed["rayStartParams"] = changes.pop("parameters", {})
    pod = changed["template"]["spec"]
    pod.update(changes.pop("pod", {}))
    pod["containers"][0].update(changes)
    return cluster


def with_spec(name: str, annotations: dict[str, str] | None = None, **changes: Any) -> Json:
    cluster = ray_cluster(name, **changes)
    cluster["metadata"]["annotations"] |= annotations or {}
    return cluster


def labelled(name: str) -> Json:
    keys = ("app.kubernetes.io/name", "ray.io/group", "ray.io/identifier", "own")
    return ray_cluster(name, labels=dict.fromkeys(keys, "mine"))


def golden(name: str) -> list[Json]:
    text = (ROOT / "tests" / "golden" / f"{name}.objects.yaml").read_text()
    return [one for one in yaml.safe_load_all(text) if one["kind"] == "RayCluster"]


_ENVIRONMENT = [
    {"name": "RAY_ADDRESS", "value": "elsewhere:1"},
    {"name": "RAY_AUTH_TOKEN", "value": "mine"},
]
_SHARED = {"mountPath": "/dev/shm", "name": "mine"}  # noqa: S108
_GPUS = {"nvidia.com/gpu": "2", "nvidia.com/mig-2g.32gb": "1", "memory": "1.5Gi"}
_WORKERS = "workerGroupSpecs"
_CLUSTERS = [
    *golden("quickstart"),
    *golden("everything"),
    ray_cluster("plain"),
    ray_cluster("l" * 53),
    labelled("labels"),
    with_ray("flags", parameters={"log-color": "false", "no-monitor": "True", "verbose": "false"}),
    with_ray("port", parameters={"port": "7000", "dashboard-agent-listen-port": "7001"}),
    with_ray("plasma", parameters={"plasma-directory": "/data"}),
    with_ray("command", command=["echo"], args=["a", "b"]),
    with_ray("started", _WORKERS, command=["ray start --head"]),
    with_ray("environment", _WORKERS, env=_ENVIRONMENT, imagePullPolicy="Never"),
    with_ray("ports", ports=[{"containerPort": 1234}, {"name": "metrics", "containerPort": 9}]),
    with_ray("shared", volumeMounts=[_SHARED], pod={"volumes": [{"name": "mine"}]}),
    with_ray("gpus", _WORKERS, resources={"limits": _GPUS, "requests": {"cpu": "2500m"}}),
    with_ray("requests", _WORKERS, resources={"requests": {"cpu": "2", "memory": "1Gi"}}),
    with_ray("probed", livenessProbe={"exec": {"command": ["true"]}}),
    with_ray("prepared", _WORKERS, pod={"initContainers": [{"name": "first", "image": "i"}]}),
    with_ray("once", _WORKERS, pod={"restartPolicy": "Never", "terminationGracePeriodSeconds": 9}),
    with_spec("own-command", {"ray.io/overwrite-container-cmd": "true"}),
    with_spec("no-token", authOptions={"mode": "disabled"}),
    with_spec("no-mode", authOptions={}),
    with_spec("own-secret", authOptions={"mode": "token", "secretName": "mine"}),
]


@pytest.fixture(scope="module")
def manager(api_server: ApiClient, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Process]:
    kubeconfig: Path = tmp_path_factory.mktemp("kuberay") / "kubeconfig"
    api_server.write_kubeconfig(kubeconfig)
    with running_kuberay(kubeconfig, api_server) as process:
        yield process


@pytest.mark.parametrize("cluster", _CLUSTERS, ids=lambda cluster: cluster["metadata"]["name"])
def test_equal_objects(cluster: Json, api_server: ApiClient, manager: Process) -> None:
    cluster = copy.deepcopy(cluster)
    add_priority_classes(api_server, cluster)
    path = "/apis/ray.io/v1/namespaces/default/rayclusters?fieldValidation=Strict"
    api_server.request("POST", path, cluster)
    scene = Scene(api_server, manager, cluster["metadata"]["name"])
    (group,) = cluster["spec"]["workerGroupSpecs"]
    scene.wait_for_pods(workers=group["replicas"])
    created = scene.get()

    for pod in scene.pods():
        assert compared(pod) == compared(as_created(scene, "pods", ours(created, pod)))
    service = scene.find("services", f"{scene.name}-head-svc")
    assert service is not None
    twin = as_created(scene, "services", head_service(created))
    assert compared(service, "generateName") == compared(twin, "generateName")
    assert (scene.find("secrets", secret_name(scene.name)) is None) == (
        token_secret(created) is None
    )

    scene.become_ready(workers=group["replicas"])
    manager.wait_until(lambda: scene.status().get("readyWorkerReplicas", 0) == group["replicas"])
    now = scene.status()["lastUpdateTime"]
    assert compared_status(scene.status()) == compared_status(
        status_of(created, scene.pods(), service, None, now)
    )


def ours(cluster: Json, pod: Json) -> Json:
    """What the stand-in makes in a Pod's place."""
    labels = pod["metadata"]["labels"]
    if labels[GROUP_LABEL] == HEAD_GROUP:
        return head_pod(cluster)
    (group,) = cluster["spec"]["workerGroupSpecs"]
    return worker_pod(cluster, group, index=int(labels[REPLICA_INDEX_LABEL]))


def as_created(scene: Scene, plural: str, body: Json) -> Json:
    """An object as the API server would store it; it is not stored."""
    body["metadata"].pop("name", None)  # it is taken
    body["metadata"].setdefault("generateName", "any-")
    return scene.client.request("POST", f"{scene.core}/{plural}?dryRun=All", body)


def compared(child: Json, *more: str) -> Json:
    """An object without what differs from one to the next, and without sentences."""
    child = copy.deepcopy(child)
    metadata = child["metadata"]
    for key in (*_GIVEN_BY_THE_SERVER, "name", *more):
        metadata.pop(key, None)
    metadata.get("annotations", {}).pop(_HASH, None)
    spec = child["spec"]
    for container in [*spec.get("containers", []), *spec.get("initContainers", [])]:
        container["env"] = {one["name"]: one for one in container.get("env", [])}
        if container["name"] == "wait-gcs-ready":
            (script,) = container["args"]
            container["args"] = script.partition("ray health-check --address ")[2].split()[0]
    return {"metadata": metadata, "spec": spec}


def compared_status(status: Json) -> Json:
    """A status without sentences, times, and what the stand-in does not add up."""
    conditions = {
        one["type"]: {key: one[key] for key in one.keys() - set(_WORDS_AND_TIMES)}
        for one in status["conditions"]
    }
    rest = {key: status[key] for key in status.keys() - {*_SUMS, *_TIMES}}
    return rest | {"conditions": conditions}


def add_priority_classes(client: ApiClient, cluster: Json) -> None:
    """The API server refuses Pods of a class that is not there."""
    spec = cluster["spec"]
    for group in [spec["headGroupSpec"], *spec["workerGroupSpecs"]]:
        if name := group["template"]["spec"].get("priorityClassName"):
            path = f"/apis/scheduling.k8s.io/v1/priorityclasses/{name}?fieldManager=tests"
            body = {"apiVersion": "scheduling.k8s.io/v1", "kind": "PriorityClass", "value": 1}
            body["metadata"] = {"name": name}
            client.request("PATCH", path, body, content="application/apply-patch+yaml")
