"""Finds the state of a Ray cluster from its RayCluster and Pods.

KubeRay's `state: ready` stays when Pods die, so the Pods are counted here.
"""

from collections import Counter

from llmtrain_lifecycle.observed import ObservedCluster, ObservedPod
from llmtrain_lifecycle.queue_words import QUEUED
from llmtrain_lifecycle.snapshot import Cluster, ClusterState

NOT_TAKEN_UP = "KubeRaySilent"
"""Reason of a new cluster that no controller has handled yet."""
NOT_READY = "PodNotReady"
"""Reason of a cluster whose Pods are being prepared on their nodes."""
ORPHANED = "ClusterOrphaned"
"""Reason of a cluster that is not deleted although its job is gone."""
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
_STARTING = {"CreateContainerConfigError", "CreateContainerError", "RunContainerError"}


def cluster_views(
    clusters: tuple[ObservedCluster, ...], pods: tuple[ObservedPod, ...], uid: str
) -> tuple[Cluster, ...]:
    """The job's Ray clusters, and the remaining Pods of deleted ones.

    Args:
        clusters: RayClusters with the job's label.
        pods: Pods with the job's label.
        uid: UID of the job; objects of an earlier job with the same name are being deleted.
    """
    known = {cluster.metadata.name for cluster in clusters}
    orphaned = {pod.cluster for pod in pods if pod.cluster not in known and not pod.ended}
    return (
        *(_view(c, _pods_of(c.metadata.name, pods), uid) for c in clusters),
        *(_without_cluster(name, _pods_of(name, pods)) for name in sorted(orphaned)),
    )


def _pods_of(name: str, pods: tuple[ObservedPod, ...]) -> tuple[ObservedPod, ...]:
    return tuple(pod for pod in pods if pod.cluster == name)


def _leaving(name: str, pods: tuple[ObservedPod, ...]) -> Cluster:
    """The remaining Pods of a cluster whose RayCluster is gone or being deleted."""
    first = next((pod for pod in pods if not pod.ended), None)
    if first is None:
        return Cluster(name, ClusterState.LEAVING)
    where = f"on {first.spec.node_name}" if first.spec.node_name else "on no node"
    message = f"{first.metadata.name} {where} has not ended"
    return Cluster(name, ClusterState.LEAVING, message=message)


def _without_cluster(name: str, pods: tuple[ObservedPod, ...]) -> Cluster:
    """Pods of a deleted RayCluster; somebody may have deleted it without its Pods."""
    kept = (pod.metadata for pod in pods if not pod.ended and pod.lives)
    orphan = next((meta for meta in kept if meta.controller_uid is None), None)
    if orphan is None:
        return _leaving(name, pods)
    message = (
        f"nothing deletes {orphan.name}, whose RayCluster {name} is gone; delete its Pods: "
        f"kubectl delete pod -n {orphan.namespace} -l ray.io/cluster={name}"
    )
    return Cluster(name, ClusterState.LEAVING, ORPHANED, message)


def _not_ours(cluster: ObservedCluster, pods: tuple[ObservedPod, ...]) -> Cluster:
    """A RayCluster with the job's label that is being deleted, or belongs to another object."""
    meta = cluster.metadata
    if meta.deletion_timestamp is not None:
        left = _leaving(meta.name, pods)
        if left.message or not meta.finalizers:
            return left
        held = f"its finalizers hold it: {', '.join(meta.finalizers)}"
        return Cluster(meta.name, ClusterState.LEAVING, message=held)
    if meta.controller_uid is not None:
        message = f"{meta.name} belongs to another object, with which it has to go"
        return Cluster(meta.name, ClusterState.LEAVING, message=message)
    message = (
        f"the RayCluster {meta.name} was left behind by an earlier job of this name, and may still"
        f" train; delete it: kubectl delete raycluster -n {meta.namespace} {meta.name}"
    )
    return Cluster(meta.name, ClusterState.LEAVING, ORPHANED, message)


def _view(cluster: ObservedCluster, pods: tuple[ObservedPod, ...], uid: str) -> Cluster:
    name = cluster.metadata.name
    if cluster.metadata.deletion_timestamp or cluster.metadata.controller_uid != uid:
        return _not_ours(cluster, pods)
    if cluster.spec.suspend or _holds(cluster, _SUSPENDING):
        return Cluster(name, ClusterState.SUSPENDED, "Queued", QUEUED)
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
    """Reason and message: the most severe of the Pods, and the number of Pods with it."""
    failure = cluster.condition(_REPLICA_FAILURE)
    if failure is not None and failure.status == "True":
        return "PodsRefused", failure.message
    reasons = Counter(why for pod in pods if not pod.ready for why in [_why_pod_waits(pod)] if why)
    for kind in ("ImagePullFailed", "PodNotStarted", "Unschedulable", NOT_READY):
        for (reason, message), count in reasons.most_common():
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
    return _what_kubelet_does(pod)


def _what_kubelet_does(pod: ObservedPod) -> tuple[str, str] | None:
    """What a Pod waits for on its node, as far as its status says; the rest is in Events."""
    container = next(
        (c for c in pod.containers if c.state.waiting and c.state.waiting.reason), None
    )
    if not pod.scheduled or container is None or container.state.waiting is None:
        return None
    meta, waiting = pod.metadata, container.state.waiting
    words = f"{waiting.reason}: {waiting.message}".removesuffix(": ")
    where = f"kubectl describe pod -n {meta.namespace} {meta.name}"
    return NOT_READY, f"{meta.name} is not ready ({words}); `{where}` shows its events"
