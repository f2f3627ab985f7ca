"""Where a Ray cluster stands, by what the API server says of it and its Pods."""

from typing import Any

import pytest

from llmtrain_lifecycle.cluster_view import cluster_views
from llmtrain_lifecycle.observed import ObservedCluster, ObservedPod
from llmtrain_lifecycle.snapshot import Cluster, ClusterState

_UID = "the-job"


def metadata(name: str, **more: Any) -> dict[str, Any]:
    return {
        "name": name,
        "namespace": "default",
        "uid": f"uid-of-{name}",
        "resourceVersion": "1",
        **more,
    }


def ray_cluster(
    *, workers: int = 2, provisioned: bool = False, owner: str = _UID, **more: Any
) -> ObservedCluster:
    conditions = [{"type": "RayClusterProvisioned", "status": str(provisioned)}]
    owners = [{"uid": owner, "controller": True}]
    return ObservedCluster.model_validate(
        {
            "metadata": metadata("it", **{"ownerReferences": owners, **more.pop("metadata", {})}),
            "status": {"desiredWorkerReplicas": workers, "conditions": conditions},
            **more,
        }
    )


def pod(
    name: str,
    *,
    ready: bool = True,
    node_type: str = "worker",
    deleted: bool = False,
    **status: Any,
) -> ObservedPod:
    labels = {"ray.io/cluster": "it", "ray.io/node-type": node_type}
    deletion = {"deletionTimestamp": "2026-01-31T12:00:00Z"} if deleted else {}
    conditions = status.pop("conditions", [{"type": "Ready", "status": str(ready)}])
    return ObservedPod.model_validate(
        {
            "metadata": metadata(name, labels=labels, **deletion),
            "status": {"phase": "Running", "conditions": conditions, **status},
        }
    )


def head(**more: Any) -> ObservedPod:
    return pod("head", node_type="head", **more)


def unschedulable(name: str, words: str = "0/3 nodes are available.") -> ObservedPod:
    condition = {"type": "PodScheduled", "status": "False", "message": words}
    return pod(name, phase="Pending", conditions=[condition])


def not_pulled(name: str) -> ObservedPod:
    waiting = {"reason": "ImagePullBackOff", "message": "no such image"}
    container = {"name": "ray", "state": {"waiting": waiting}}
    return pod(name, ready=False, phase="Pending", containerStatuses=[container])


_WORKERS = (pod("a"), pod("b"))


@pytest.mark.parametrize(
    ("cluster", "pods", "state", "reason"),
    [
        (ray_cluster(), (), ClusterState.STARTING, ""),
        (ray_cluster(status={}), (), ClusterState.STARTING, "KubeRaySilent"),
        (ray_cluster(), (head(), pod("a")), ClusterState.STARTING, ""),
        (ray_cluster(), (head(), *_WORKERS), ClusterState.READY, ""),
        (ray_cluster(workers=0), (head(),), ClusterState.STARTING, ""),
        (ray_cluster(), (head(ready=False), *_WORKERS), ClusterState.STARTING, ""),
        (ray_cluster(), (head(), pod("a"), pod("b", deleted=True)), ClusterState.STARTING, ""),
        (
            ray_cluster(),
            (head(), pod("a"), unschedulable("b")),
            ClusterState.STARTING,
            "Unschedulable",
        ),
        (
            ray_cluster(),
            (unschedulable("a"), not_pulled("b")),
            ClusterState.STARTING,
            "ImagePullFailed",
        ),
        (ray_cluster(provisioned=True), (head(ready=False), *_WORKERS), ClusterState.STARTING, ""),
        (ray_cluster(provisioned=True), _WORKERS, ClusterState.BROKEN, "HeadLost"),
        (
            ray_cluster(provisioned=True),
            (head(deleted=True), *_WORKERS),
            ClusterState.BROKEN,
            "HeadLost",
        ),
        (ray_cluster(provisioned=True), (head(phase="Failed"),), ClusterState.BROKEN, "HeadLost"),
        (ray_cluster(spec={"suspend": True}), (), ClusterState.SUSPENDED, "Queued"),
        (
            ray_cluster(provisioned=True, spec={"suspend": True}),
            (head(deleted=True), *_WORKERS),
            ClusterState.SUSPENDED,
            "Queued",
        ),
        (ray_cluster(owner="an-earlier-job"), (head(), *_WORKERS), ClusterState.LEAVING, ""),
        (
            ray_cluster(metadata={"deletionTimestamp": "2026-01-31T12:00:00Z"}),
            (head(), *_WORKERS),
            ClusterState.LEAVING,
            "",
        ),
    ],
)
def test_where_it_stands(
    cluster: ObservedCluster, pods: tuple[ObservedPod, ...], state: ClusterState, reason: str
) -> None:
    (view,) = cluster_views((cluster,), pods, _UID)
    assert (view.state, view.reason) == (state, reason)


def test_the_message_counts_the_pods_and_keeps_the_scheduler_s_words() -> None:
    words = "0/3 nodes are available: 3 Insufficient nvidia.com/gpu."
    pods = (head(), unschedulable("a", words), unschedulable("b", words))
    (view,) = cluster_views((ray_cluster(),), pods, _UID)
    assert view.message == f"2 of 3 Pods: {words}"


def test_pods_whose_ray_cluster_is_gone_are_waited_for_until_they_end() -> None:
    leaving = Cluster("it", ClusterState.LEAVING, message="a on no node has not ended")
    assert cluster_views((), (pod("a", deleted=True),), _UID) == (leaving,)
    assert cluster_views((), (pod("a", phase="Failed"),), _UID) == ()


def test_pods_that_nothing_deletes_are_named_with_the_command_that_does() -> None:
    (view,) = cluster_views((), (pod("a"),), _UID)
    assert (view.state, view.reason) == (ClusterState.LEAVING, "ClusterOrphaned")
    assert "kubectl delete pod -n default -l ray.io/cluster=it" in view.message


def test_a_ray_cluster_that_nothing_deletes_is_named_with_the_command_that_does() -> None:
    orphan = ray_cluster(metadata={"ownerReferences": []})
    (view,) = cluster_views((orphan,), (head(), *_WORKERS), _UID)
    assert (view.state, view.reason) == (ClusterState.LEAVING, "ClusterOrphaned")
    assert "kubectl delete raycluster -n default it" in view.message


def test_a_ray_cluster_held_by_finalizers_is_reported() -> None:
    held = {"deletionTimestamp": "2026-01-31T12:00:00Z", "finalizers": ["example.com/audit"]}
    (view,) = cluster_views((ray_cluster(metadata=held),), (), _UID)
    assert view.message == "its finalizers hold it: example.com/audit"


def test_what_kubelet_waits_for_is_reported() -> None:
    waiting = {"reason": "ContainerCreating"}
    container = {"name": "ray", "state": {"waiting": waiting}}
    scheduled = [{"type": "PodScheduled", "status": "True"}]
    preparing = pod("a", phase="Pending", conditions=scheduled, containerStatuses=[container])
    (view,) = cluster_views((ray_cluster(),), (preparing,), _UID)
    assert view.reason == "PodNotReady"
    assert "a is not ready (ContainerCreating); `kubectl describe pod -n default a`" in view.message


def test_a_workspace_without_a_volume_says_what_to_do() -> None:
    words = "0/1 nodes are available: pod has unbound immediate PersistentVolumeClaims."
    (view,) = cluster_views((ray_cluster(),), (unschedulable("head", words),), _UID)
    assert view.message.startswith(f"1 of 1 Pods: {words}")
    assert "spec.workspace.storageClassName" in view.message
