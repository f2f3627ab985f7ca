"""What the stand-in for KubeRay does about Pods, and what it says of them."""

from typing import Any

import pytest
from support.kuberay.conditions import FALSE, TRUE, Trouble
from support.kuberay.head_service import head_service
from support.kuberay.names import HEAD_GROUP, Json
from support.kuberay.plan import Create, plan_of
from support.kuberay.pods import head_pod, worker_pod
from support.kuberay.scene import ray_cluster
from support.kuberay.status import is_worth_a_write, status_of

_NOW = "2026-01-31T12:00:00Z"
_LATER = "2026-01-31T12:00:01Z"
_READY = {"phase": "Running", "conditions": [{"type": "Ready", "status": TRUE}]}
_ENDED = {"name": "ray-worker", "state": {"terminated": {"exitCode": 1}}}


def cluster(*, conditions: tuple[str, ...] = (), **changes: Any) -> Json:
    body = ray_cluster("it", **changes)
    body["metadata"] |= {"namespace": "default", "uid": "its-uid", "generation": 1}
    told = {"status": TRUE, "reason": "Told", "lastTransitionTime": _NOW}
    listed = [{"type": kind, **told} for kind in conditions]
    return body | {"status": {"conditions": listed}}


def head(**status: Any) -> Json:
    return existing(head_pod(cluster()), "head", status)


def worker(index: int, *, restart: str = "Always", deleted: bool = False, **status: Any) -> Json:
    (group,) = cluster()["spec"]["workerGroupSpecs"]
    pod = existing(worker_pod(cluster(), group, index=index), f"worker-{index}", status)
    pod["spec"]["restartPolicy"] = restart
    pod["metadata"] |= {"deletionTimestamp": _NOW} if deleted else {}
    return pod


def existing(pod: Json, name: str, status: Json) -> Json:
    pod["metadata"] |= {"name": name, "uid": f"uid-of-{name}"}
    return pod | {"status": status}


def actions_of(cluster: Json, *pods: Json) -> list[str]:
    return [
        f"+{labels['ray.io/group']}{labels.get('ray.io/worker-group-replica-index', '')}"
        if isinstance(action, Create)
        else f"-{action.pod['metadata']['name']}"
        for action in plan_of(cluster, list(pods)).actions
        for labels in [action.pod["metadata"]["labels"]]
    ]


_ALL_NEW = [f"+{HEAD_GROUP}", "+trainers0", "+trainers1"]
_THREE = [*ray_cluster("it")["spec"]["workerGroupSpecs"]]
_THREE = [_THREE[0] | {"replicas": 3, "maxReplicas": 3}]
_PROVISIONED = ("RayClusterProvisioned",)


@pytest.mark.parametrize(
    ("cluster", "pods", "actions"),
    [
        (cluster(), (), _ALL_NEW),
        (cluster(), (head(), worker(0), worker(1)), []),
        (cluster(), (head(), worker(1)), ["+trainers0"]),
        (cluster(), (head(), worker(0), worker(1, deleted=True)), []),
        (cluster(workerGroupSpecs=_THREE), (head(), worker(1)), ["+trainers0", "+trainers2"]),
        (cluster(), (head(), worker(0), worker(1), worker(2)), ["-worker-0"]),
        (cluster(), (head(), worker(0, phase="Failed"), worker(1)), ["-worker-0"]),
        (cluster(), (head(), worker(0, phase="Succeeded")), ["-worker-0"]),
        (cluster(), (head(phase="Failed"), worker(0, phase="Failed")), ["-head"]),
        (cluster(), (worker(0), worker(1)), [f"+{HEAD_GROUP}"]),
        (cluster(conditions=_PROVISIONED), (worker(0),), []),
        (cluster(suspend=True), (head(),), []),
        (
            cluster(conditions=("RayClusterSuspending",)),
            (head(), worker(0)),
            ["-head", "-worker-0"],
        ),
        (cluster(conditions=("RayClusterSuspended",)), (), []),
    ],
)
def test_plan(cluster: Json, pods: tuple[Json, ...], actions: list[str]) -> None:
    assert actions_of(cluster, *pods) == actions


@pytest.mark.parametrize(("restart", "deleted"), [("Always", False), ("Never", True)])
def test_ended_container_ends_the_pod_that_does_not_restart_it(
    restart: str, *, deleted: bool
) -> None:
    ended = worker(0, restart=restart, phase="Running", containerStatuses=[_ENDED])
    assert actions_of(cluster(), head(), ended, worker(1)) == (["-worker-0"] if deleted else [])


def status_after(
    cluster: Json, *pods: Json, trouble: Trouble | None = None, now: str = _NOW
) -> Json:
    service = head_service(cluster)
    for port in service["spec"]["ports"]:
        port["targetPort"] = port["port"]  # as the API server does
    return status_of(cluster, list(pods), service, trouble, now)


def condition(status: Json, kind: str) -> tuple[str, str]:
    """Its status and reason."""
    return next(
        (one["status"], one["reason"]) for one in status["conditions"] if one["type"] == kind
    )


@pytest.mark.parametrize(
    ("pods", "state", "provisioned"),
    [
        ((), None, FALSE),
        ((head(), worker(0), worker(1)), None, FALSE),
        ((head(**_READY), worker(0, **_READY), worker(1, phase="Running")), "ready", TRUE),
        # Too few Pods: KubeRay has a state for all of them, and a condition for those there are.
        ((head(**_READY), worker(0, **_READY)), None, TRUE),
    ],
)
def test_state(pods: tuple[Json, ...], state: str | None, provisioned: str) -> None:
    status = status_after(cluster(), *pods)
    assert status.get("state") == state
    assert condition(status, "RayClusterProvisioned")[0] == provisioned


@pytest.mark.parametrize(
    ("ready", "expected"),
    [
        ({}, (FALSE, "Unknown")),
        ({"status": TRUE}, (TRUE, "HeadPodRunningAndReady")),
        ({"status": FALSE, "reason": "PodFailed"}, (FALSE, "PodFailed")),
        ({"status": FALSE, "reason": "ContainersNotReady"}, (FALSE, "ImagePullBackOff")),
    ],
)
def test_head_condition(ready: Json, expected: tuple[str, str]) -> None:
    containers = [{"name": "ray-head", "state": {"waiting": {"reason": "ImagePullBackOff"}}}]
    conditions = [{"type": "Ready", **ready}] if ready else []
    status = status_after(cluster(), head(conditions=conditions, containerStatuses=containers))
    assert condition(status, "HeadPodReady") == expected


def test_refusal_shows_until_a_step_succeeds() -> None:
    body = cluster()
    body["status"] = status_after(body, trouble=Trouble("no quota", "FailedCreateHeadPod"))
    assert condition(body["status"], "ReplicaFailure") == (TRUE, "FailedCreateHeadPod")
    body["status"] = status_after(body, trouble=Trouble("workers have ended"))
    assert condition(body["status"], "ReplicaFailure") == (TRUE, "FailedCreateHeadPod")
    kinds = {one["type"] for one in status_after(body)["conditions"]}
    assert "ReplicaFailure" not in kinds


def test_resumed_only_when_told_so() -> None:
    body = cluster(suspend=True, conditions=("RayClusterSuspended",))
    assert condition(status_after(body), "RayClusterSuspended")[0] == TRUE
    del body["spec"]["suspend"]
    assert condition(status_after(body), "RayClusterSuspended")[0] == TRUE
    body["spec"]["suspend"] = False
    assert condition(status_after(body), "RayClusterSuspended")[0] == FALSE


def test_nothing_new_is_not_written() -> None:
    body = cluster()
    before = body["status"] = status_after(body, head())
    body["metadata"]["generation"] = 2
    assert not is_worth_a_write(before, status_after(body, head(), now=_LATER))
    assert is_worth_a_write(before, status_after(body, head(podIP="10.0.0.1"), now=_LATER))
