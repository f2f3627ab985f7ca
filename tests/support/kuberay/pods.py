"""The Pods that KubeRay makes of a RayCluster's templates."""

import copy

from support.kuberay import names
from support.kuberay.names import HEAD, WORKER, Json
from support.kuberay.ray_container import Node, complete_ray_container, waiting_container
from support.kuberay.start_command import gcs_port, start_parameters
from support.kuberay.token import token_environment

_NOT_OVERRIDABLE = {names.CLUSTER_LABEL, names.NODE_TYPE_LABEL, names.GROUP_LABEL}
_SHARED_MEMORY = "/dev/shm"  # noqa: S108 - Ray's object store is there


def head_pod(cluster: Json) -> Json:
    """The head."""
    spec = cluster["spec"]["headGroupSpec"]
    annotations = {"ray.io/ft-enabled": "false", "ray.io/kuberay-version": names.VERSION}
    pod = _pod(cluster, spec, group=names.HEAD_GROUP, prefix=names.pod_prefix(_name(cluster)))
    pod["metadata"]["annotations"] |= annotations
    return _as_ray_node(pod, _node(cluster, spec, HEAD))


def worker_pod(cluster: Json, spec: Json, *, index: int) -> Json:
    """A worker.

    Args:
        cluster: whose it is.
        spec: one of its `workerGroupSpecs`.
        index: the worker's number in its group.
    """
    group: str = spec["groupName"]
    pod = _pod(cluster, spec, group=group, prefix=names.pod_prefix(_name(cluster), group))
    pod["metadata"]["labels"][names.REPLICA_INDEX_LABEL] = str(index)
    node = _node(cluster, spec, WORKER)
    waiting = waiting_container(pod["spec"]["containers"][0], node)
    pod["spec"].setdefault("initContainers", []).append(waiting)
    return _as_ray_node(pod, node)


def _name(cluster: Json) -> str:
    name: str = cluster["metadata"]["name"]
    return name


def _pod(cluster: Json, spec: Json, *, group: str, prefix: str) -> Json:
    """A Pod as its template is, with KubeRay's metadata."""
    template = copy.deepcopy(spec["template"])
    metadata = template.get("metadata") or {}
    annotations = metadata.get("annotations") or {}
    if _has_own_command(cluster):
        annotations[names.OWN_COMMAND] = "true"
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {
            "generateName": prefix,
            "namespace": cluster["metadata"]["namespace"],
            "labels": _labels(cluster, group, metadata.get("labels") or {}),
            "annotations": annotations,
            "ownerReferences": [names.owner_reference(cluster)],
        },
        "spec": template["spec"],
    }


def _labels(cluster: Json, group: str, given: dict[str, str]) -> dict[str, str]:
    node_type = HEAD if group == names.HEAD_GROUP else WORKER
    return {
        **names.identity_labels(_name(cluster), node_type),
        names.GROUP_LABEL: group,
        "ray.io/is-ray-node": "yes",
        **{name: value for name, value in given.items() if name not in _NOT_OVERRIDABLE},
    }


def _node(cluster: Json, spec: Json, node_type: str) -> Node:
    host, port = names.head_host(cluster), gcs_port(cluster)
    parameters = start_parameters(
        spec.get("rayStartParams") or {},
        spec["template"]["spec"]["containers"][0].get("resources") or {},
        address=None if node_type == HEAD else f"{host}:{port}",
    )
    own_command = _has_own_command(cluster)
    token = token_environment(cluster)
    return Node(node_type, host, port, parameters, token=token, own_command=own_command)


def _has_own_command(cluster: Json) -> bool:
    annotations: dict[str, str] = cluster["metadata"].get("annotations") or {}
    return annotations.get(names.OWN_COMMAND, "").lower() == "true"


def _as_ray_node(pod: Json, node: Node) -> Json:
    spec = pod["spec"]
    container = spec["containers"][0]
    if "plasma-directory" not in node.parameters:
        _share_memory(spec, container)
    for init_container in spec.get("initContainers", []):
        init_container.setdefault("env", []).extend(node.head_environment())
    complete_ray_container(container, node)
    return pod


def _share_memory(spec: Json, container: Json) -> None:
    """Mount a file system in memory: a container's own has only 64 MiB."""
    mounts = container.setdefault("volumeMounts", [])
    if any(mount["mountPath"] == _SHARED_MEMORY for mount in mounts):
        return
    resources = container.get("resources") or {}
    sizes = ((resources.get(kind) or {}).get("memory") for kind in ("limits", "requests"))
    volume: Json = {"medium": "Memory"}
    if size := next(filter(None, sizes), None):
        volume["sizeLimit"] = size
    spec.setdefault("volumes", []).append({"name": "shared-mem", "emptyDir": volume})
    mounts.append({"name": "shared-mem", "mountPath": _SHARED_MEMORY})
