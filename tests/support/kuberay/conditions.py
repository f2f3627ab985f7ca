"""The conditions in a RayCluster's status."""

from dataclasses import dataclass, field

from support.kuberay.names import Json

HEAD_READY, PROVISIONED = "HeadPodReady", "RayClusterProvisioned"
SUSPENDING, SUSPENDED = "RayClusterSuspending", "RayClusterSuspended"
REPLICA_FAILURE = "ReplicaFailure"
TRUE, FALSE = "True", "False"


@dataclass(frozen=True)
class Trouble:
    """Why a step did not come to its end.

    Attributes:
        message: in words.
        reason: of the condition ReplicaFailure; none where the step only has to go on.
    """

    message: str
    reason: str = ""


@dataclass
class Conditions:
    """Conditions by their type, which remember since when they are as they are."""

    now: str
    by_type: dict[str, Json] = field(default_factory=dict)

    def put(self, kind: str, status: str, reason: str, message: str = "") -> None:
        """Set one."""
        before = self.by_type.get(kind, {})
        same = before.get("status") == status
        self.by_type[kind] = {
            "type": kind,
            "status": status,
            "reason": reason,
            "message": message,
            "lastTransitionTime": before["lastTransitionTime"] if same else self.now,
        }

    def holds(self, kind: str) -> bool:
        """Whether one is true."""
        return bool(self.by_type.get(kind, {}).get("status") == TRUE)


def holds(cluster: Json, kind: str) -> bool:
    """Whether a condition of a RayCluster is true."""
    return _conditions_of(cluster, now="").holds(kind)


def conditions_after(
    cluster: Json, pods: list[Json], head: Json | None, trouble: Trouble | None, now: str
) -> list[Json]:
    """The conditions after a step.

    Args:
        cluster: with the conditions before.
        pods: all of the cluster.
        head: the one of them that is the head.
        trouble: what the step met.
        now: the time, as Kubernetes writes it.
    """
    conditions = _conditions_of(cluster, now)
    if trouble is None:
        conditions.by_type.pop(REPLICA_FAILURE, None)
    elif trouble.reason:
        conditions.put(REPLICA_FAILURE, TRUE, trouble.reason, trouble.message)
    _put_head(conditions, head)
    _put_provisioned(conditions, pods)
    _put_suspension(conditions, cluster["spec"].get("suspend"), pods)
    return list(conditions.by_type.values())


def all_run(pods: list[Json]) -> bool:
    """Whether there are Pods, and each runs and is not unready."""
    return bool(pods) and all(is_running(pod) and ready_status(pod) in {"", TRUE} for pod in pods)


def is_running(pod: Json) -> bool:
    """Whether the Pod's containers have been started."""
    return bool(pod.get("status", {}).get("phase") == "Running")


def ready_status(pod: Json) -> str:
    """The status of the Pod's condition Ready; empty where it has none."""
    return str(_ready_condition(pod).get("status", ""))


def _ready_condition(pod: Json) -> Json:
    conditions: list[Json] = pod.get("status", {}).get("conditions") or []
    return next((one for one in conditions if one["type"] == "Ready"), {})


def _conditions_of(cluster: Json, now: str) -> Conditions:
    listed: list[Json] = cluster.get("status", {}).get("conditions") or []
    return Conditions(now, {one["type"]: one for one in listed})


def _put_head(conditions: Conditions, head: Json | None) -> None:
    if head is None:
        conditions.put(HEAD_READY, FALSE, "HeadPodNotFound", "there is no head Pod")
        return
    ready = _ready_condition(head)
    status = ready.get("status", FALSE)
    usual = "HeadPodRunningAndReady" if status == TRUE else "Unknown"
    reason, message = ready.get("reason") or usual, ready.get("message", "")
    if reason == "ContainersNotReady" and (stopped := _first_stopped(head)):
        reason = stopped[1]["reason"]
        message = "; ".join(filter(None, [message, _words(*stopped)]))
    conditions.put(HEAD_READY, status, reason, message)


def _first_stopped(pod: Json) -> tuple[str, Json] | None:
    """The first container that does not run, with why."""
    for container in pod["status"].get("containerStatuses") or []:
        for state in ("waiting", "terminated"):
            if state in container.get("state", {}):
                return container["name"], container["state"][state]
    return None


def _words(container: str, state: Json) -> str:
    return f"{container}: {state.get('message', '')}"


def _put_provisioned(conditions: Conditions, pods: list[Json]) -> None:
    """Once true it stays, whatever becomes of the Pods, until the cluster has been suspended."""
    if conditions.holds(PROVISIONED) or conditions.holds(SUSPENDED):
        return
    if all_run(pods):
        reason, message = "AllPodRunningAndReadyFirstTime", "all Pods have been ready"
        conditions.put(PROVISIONED, TRUE, reason, message)
    else:
        conditions.put(PROVISIONED, FALSE, "RayClusterPodsProvisioning", "waiting for Pods")


def _put_suspension(conditions: Conditions, wanted: bool | None, pods: list[Json]) -> None:  # noqa: FBT001
    """A suspension that has begun is carried to its end before it can be taken back."""
    if conditions.holds(SUSPENDING):
        if not pods:
            conditions.put(PROVISIONED, FALSE, "RayClusterPodsProvisioning", "suspended")
            conditions.put(SUSPENDING, FALSE, SUSPENDING)
            conditions.put(SUSPENDED, TRUE, SUSPENDED)
    elif conditions.holds(SUSPENDED):
        if wanted is False:  # that the field is gone is not enough
            conditions.put(SUSPENDED, FALSE, SUSPENDED)
    else:
        conditions.put(SUSPENDED, FALSE, SUSPENDED)
        conditions.put(SUSPENDING, TRUE if wanted else FALSE, SUSPENDING)
