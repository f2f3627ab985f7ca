"""Where a Ray cluster stands, by its RayCluster and its Pods.

KubeRay's own `state: ready` stays when Pods die, so the Pods are counted here.
"""

from collections import Counter

from llmtrain_operator.core.observed import ObservedCluster, ObservedPod
from llmtrain_operator.core.snapshot import Cluster, ClusterState

NOT_TAKEN_UP = "KubeRaySilent"
"""The reason of a cluster that is made, and that nobody has done anything for."""
_PROVISIONED = "RayClusterProvisioned"
_SUSPENDING = "RayClusterSuspending"
_SUSPENDED = "RayClusterSuspended"
_REPLICA_FAILURE = "ReplicaFailure"
_PULLING = {"ErrImagePull", "ImagePullBackOff", "InvalidImageName", "ErrImageNeverPull"}
_UNBOUND = "unbound immediate PersistentVolumeClaims"
_ON_CLAIMS = (
    " (no volume fits the job's workspace: the cluster needs a default StorageClass that takes"
    " spec.workspace, or the manifest names spec.workspace.storageClassName or a claim)"
)
_NOT_TAKEN_UP = "KubeRay has not taken it up; is its operator running, and does it watch here?"
_QUEUED = "the queue has not admitted its Ray cluster"
_STARTING = {"CreateContainerConfigError", "CreateContainerError", "RunContainerError"}


def cluster_views(
    clusters: tuple[ObservedCluster, ...], pods: tuple[ObservedPod, ...], uid: str
) -> tuple[Cluster, ...]:
    """The job's Ray clusters, and what is left of those whose RayCluster is gone.

    Args:
        clusters: RayClusters with the job's label.
        pods: with the job's label.
        uid: of the job; what an earlier job of the same name has left is on its way out.
    """
    known = {cluster.metadata.name for cluster in clusters}
    orphaned = {pod.cluster for pod in pods if pod.cluster not in known and not pod.ended}
    return (
        *(_view(c, _pods_of(c.metadata.name, pods), uid) for c in clusters),
        *(_leaving(name, _pods_of(name, pods)) for name in sorted(orphaned)),
    )


def _pods_of(name: str, pods: tuple[ObservedPod, ...]) -> tuple[ObservedPod, ...]:
    return tuple(pod for pod in pods if pod.cluster == name)


def _leaving(name: str, pods: tuple[ObservedPod, ...]) -> Cluster:
    stay = (f"{p.metadata.name} on {p.spec.node_name or 'no node'}" for p in pods if not p.ended)
    first = next(stay, None)
    return Cluster(name, ClusterState.LEAVING, message=f"{first} has not ended" if first else "")


def _view(cluster: ObservedCluster, pods: tuple[ObservedPod, ...], uid: str) -> Cluster:
    name = cluster.metadata.name
    if cluster.metadata.deletion_timestamp or cluster.metadata.controller_uid != uid:
        return _leaving(name, pods)
    if cluster.spec.suspend or _holds(cluster, _SUSPENDING):
        return Cluster(name, ClusterState.SUSPENDED, "Queued", _QUEUED)
    head_lives = any(pod.is_head and pod.lives for pod in pods)
    head_ready = any(pod.is_head and pod.ready for pod in pods)
    ready_workers = sum(not pod.is_head and pod.ready for pod in pods)
    if head_ready and 0 < cluster.status.desired_worker_replicas <= ready_workers:
        return Cluster(name, ClusterState.READY)
    if not head_lives and _holds(cluster, _PROVISIONED) and not _holds(cluster, _SUSPENDED):
        message = f"the head of {name} is gone, and with it all that it knew"
        return Cluster(name, ClusterState.BROKEN, "HeadLost", message)
    return Cluster(name, ClusterState.STARTING, *_why_not_ready(cluster, pods))


def _holds(cluster: ObservedCluster, kind: str) -> bool:
    condition = cluster.condition(kind)
    return condition is not None and condition.status == "True"


def _why_not_ready(cluster: ObservedCluster, pods: tuple[ObservedPod, ...]) -> tuple[str, str]:
    """Reason and message: the gravest that the Pods tell, and of how many it holds."""
    failure = cluster.condition(_REPLICA_FAILURE)
    if failure is not None and failure.status == "True":
        return "PodsRefused", failure.message
    told = Counter(why for pod in pods if not pod.ready for why in [_why_pod_waits(pod)] if why)
    for kind in ("ImagePullFailed", "PodNotStarted", "Unschedulable"):
        for (reason, message), count in told.most_common():
            if reason == kind:
                return reason, f"{count} of {len(pods)} Pods: {message}"
    untouched = not pods and not cluster.status.conditions
    return (NOT_TAKEN_UP, _NOT_TAKEN_UP) if untouched else ("", "")


def _why_pod_waits(pod: ObservedPod) -> tuple[str, str] | None:
    for container in pod.containers:
        waiting = container.state.waiting
        if waiting and waiting.reason in _PULLING:
            return "ImagePullFailed", waiting.message or waiting.reason
        if waiting and waiting.reason in _STARTING:
            return "PodNotStarted", waiting.message or waiting.reason
    scheduled = pod.condition("PodScheduled")
    if scheduled is not None and scheduled.status == "False":
        unbound = _UNBOUND in scheduled.message
        return "Unschedulable", scheduled.message + (_ON_CLAIMS if unbound else "")
    return None
