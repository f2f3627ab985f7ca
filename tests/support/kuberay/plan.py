"""What is to be done about a RayCluster's Pods, by what the API server says of them."""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import count, islice

from support.kuberay import names
from support.kuberay.conditions import PROVISIONED, SUSPENDED, SUSPENDING, holds
from support.kuberay.names import HEAD, WORKER, Json
from support.kuberay.pods import head_pod, worker_pod


@dataclass(frozen=True)
class Create:
    """Make a Pod."""

    pod: Json

    @property
    def failure(self) -> str:
        """The reason that the status has where the API server refuses."""
        return f"FailedCreate{_kind(self.pod)}"


@dataclass(frozen=True)
class Delete:
    """Delete a Pod."""

    pod: Json

    @property
    def failure(self) -> str:
        """The reason that the status has where the API server refuses."""
        return f"FailedDelete{_kind(self.pod)}"


Action = Create | Delete


@dataclass(frozen=True)
class Plan:
    """Actions in their order, and what has to be waited for after them.

    Attributes:
        actions: each only after the ones before it succeeded.
        unfinished: why there is more to do; empty where there is not.
    """

    actions: tuple[Action, ...] = ()
    unfinished: str = ""


def plan_of(cluster: Json, pods: list[Json]) -> Plan:
    """One step towards the Pods that a RayCluster asks for.

    Args:
        cluster: the RayCluster.
        pods: all with its label.
    """
    if holds(cluster, SUSPENDING):
        return Plan(tuple(_deletions(pods)))
    is_down = holds(cluster, SUSPENDED) or cluster["spec"].get("suspend")
    return Plan() if is_down else _plan_of_running(cluster, pods)


def wanted_workers(group: Json) -> int:
    """How many workers a group is to have."""
    within: int = min(max(group["replicas"], group["minReplicas"]), group["maxReplicas"])
    return within


def _plan_of_running(cluster: Json, pods: list[Json]) -> Plan:
    heads = [pod for pod in pods if _node_type(pod) == HEAD]
    if len(heads) > 1:
        return Plan(unfinished="there is more than one head")
    if any(map(_has_ended, heads)):
        return Plan(tuple(_deletions(heads)), unfinished="the head has ended")
    if not heads and _stays_without_head(cluster):
        return Plan()
    actions: list[Action] = [] if heads else [Create(head_pod(cluster))]
    for group in cluster["spec"].get("workerGroupSpecs") or []:
        members = [pod for pod in pods if _group(pod) == group["groupName"]]
        ended = [pod for pod in members if _has_ended(pod)]
        if ended:
            return Plan((*actions, *_deletions(ended)), unfinished="workers have ended")
        actions.extend(_scaling(cluster, group, members))
    return Plan(tuple(actions))


def _scaling(cluster: Json, group: Json, members: list[Json]) -> Iterator[Action]:
    missing = wanted_workers(group) - len(members)
    yield from _deletions(members[: max(0, -missing)])
    taken = {pod["metadata"]["labels"].get(names.REPLICA_INDEX_LABEL) for pod in members}
    free = (index for index in count() if str(index) not in taken)
    for index in islice(free, max(0, missing)):
        yield Create(worker_pod(cluster, group, index=index))


def _deletions(pods: list[Json]) -> Iterator[Delete]:
    return (Delete(pod) for pod in pods if "deletionTimestamp" not in pod["metadata"])


def _has_ended(pod: Json) -> bool:
    """Whether the Pod will not run Ray any more, not even after a restart of its container."""
    status = pod.get("status") or {}
    if status.get("phase") in {"Failed", "Succeeded"}:
        return True
    name = pod["spec"]["containers"][0]["name"]
    states = {one["name"]: one.get("state") or {} for one in status.get("containerStatuses") or []}
    is_final = pod["spec"].get("restartPolicy") == "Never"
    return is_final and status.get("phase") == "Running" and "terminated" in states.get(name, {})


def _stays_without_head(cluster: Json) -> bool:
    """A new head knows nothing of the old one's jobs: some would rather have none."""
    annotations = cluster["metadata"].get("annotations") or {}
    return holds(cluster, PROVISIONED) and (annotations.get(names.KEEP_HEAD_DOWN) == "true")


def _node_type(pod: Json) -> str:
    return str(pod["metadata"]["labels"].get(names.NODE_TYPE_LABEL, WORKER))


def _group(pod: Json) -> str:
    return str(pod["metadata"]["labels"].get(names.GROUP_LABEL, ""))


def _kind(pod: Json) -> str:
    return f"{_node_type(pod).capitalize()}Pod"
