"""The status that KubeRay writes for a RayCluster, and when it writes it."""

import copy

from support.kuberay import names
from support.kuberay.conditions import (
    TRUE,
    Trouble,
    all_run,
    conditions_after,
    is_running,
    ready_status,
)
from support.kuberay.head_service import endpoints
from support.kuberay.names import HEAD, WORKER, Json
from support.kuberay.plan import wanted_workers

_MOST = 2**31 - 1
# Alone, a change of these is not worth a write.
_NOT_COMPARED = {"lastUpdateTime", "observedGeneration", "stateTransitionTimes"}


def status_of(
    cluster: Json, pods: list[Json], service: Json, trouble: Trouble | None, now: str
) -> Json:
    """The status after a step.

    Args:
        cluster: the RayCluster with the status before.
        pods: all with its label.
        service: of its head.
        trouble: what the step met.
        now: the time, as Kubernetes writes it.
    """
    head = next((pod for pod in pods if _is(pod, HEAD)), None)
    status: Json = copy.deepcopy(cluster.get("status", {}))
    status |= _counts(cluster, [pod for pod in pods if _is(pod, WORKER)]) | {
        "conditions": conditions_after(cluster, pods, head, trouble, now),
        "endpoints": endpoints(service),
        "head": _head_info(head, service),
        "observedGeneration": cluster["metadata"]["generation"],
        "lastUpdateTime": now,
    }
    state = _new_state(cluster, pods, status, trouble)
    if state and state != status.get("state"):
        status["state"] = state
        status["stateTransitionTimes"] = {**status.get("stateTransitionTimes", {}), state: now}
    return status


def is_worth_a_write(before: Json, after: Json) -> bool:
    """Whether the status says anything new."""
    keys = (before.keys() | after.keys()) - _NOT_COMPARED
    return any(before.get(key) != after.get(key) for key in keys)


def _is(pod: Json, node_type: str) -> bool:
    return bool(pod["metadata"]["labels"].get(names.NODE_TYPE_LABEL) == node_type)


def _counts(cluster: Json, workers: list[Json]) -> dict[str, int]:
    groups = cluster["spec"].get("workerGroupSpecs") or []
    running = [pod for pod in workers if is_running(pod)]
    return {
        "readyWorkerReplicas": sum(ready_status(pod) == TRUE for pod in running),
        "availableWorkerReplicas": len(running),
        "desiredWorkerReplicas": sum(map(wanted_workers, groups)),
        "minWorkerReplicas": sum(group["minReplicas"] for group in groups),
        "maxWorkerReplicas": min(sum(group["maxReplicas"] for group in groups), _MOST),
    }


def _head_info(head: Json | None, service: Json) -> Json:
    """A Service without an address of its own has the head's."""
    address = head.get("status", {}).get("podIP", "") if head else ""
    own = service["spec"]["clusterIP"]
    info = {
        "podIP": address,
        "podName": head["metadata"]["name"] if head else "",
        "serviceIP": address if own == "None" else own,
        "serviceName": service["metadata"]["name"],
    }
    return {key: value for key, value in info.items() if value}


def _new_state(cluster: Json, pods: list[Json], status: Json, trouble: Trouble | None) -> str:
    """The state to enter; none while the old one stays, which it does when Pods die."""
    if cluster["spec"].get("suspend") and not pods:
        return "suspended"
    is_whole = len(pods) == status["desiredWorkerReplicas"] + 1
    return "ready" if is_whole and trouble is None and all_run(pods) else ""
