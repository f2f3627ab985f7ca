"""How KubeRay 1.7 names and labels what it makes for a RayCluster."""

from typing import Any

Json = dict[str, Any]

CLUSTER_LABEL = "ray.io/cluster"
NODE_TYPE_LABEL = "ray.io/node-type"
GROUP_LABEL = "ray.io/group"
REPLICA_INDEX_LABEL = "ray.io/worker-group-replica-index"
IDENTIFIER_LABEL = "ray.io/identifier"
APPLICATION_LABEL = "app.kubernetes.io/name"
CREATOR_LABEL = "app.kubernetes.io/created-by"

KEEP_HEAD_DOWN = "ray.io/disable-provisioned-head-restart"
OWN_COMMAND = "ray.io/overwrite-container-cmd"

HEAD, WORKER = "head", "worker"
HEAD_GROUP = "headgroup"
TOKEN_KEY = "auth_token"  # noqa: S105 - the name of it
VERSION = "v1.7.0"
# Leaves room for the rest of a Pod's name.
_LONGEST_PREFIX = 50


def pod_prefix(cluster: str, group: str = "") -> str:
    """The `generateName` of the Pods of a worker group; of the head's if there is none."""
    prefix, node_type = (f"{cluster}-{group}", WORKER) if group else (cluster, HEAD)
    return f"{prefix[:_LONGEST_PREFIX]}-{node_type}-".lower()


def secret_name(cluster: str) -> str:
    """The Secret with the token: the cluster's name, of which the end is kept."""
    name = cluster[-_LONGEST_PREFIX:]
    return name if name[0].isalpha() else "r" + name[1:]


def service_name(cluster: str) -> str:
    """The head's Service."""
    return f"{cluster}-head-svc"


def head_host(cluster: Json) -> str:
    """The DNS name that workers find the head by."""
    metadata = cluster["metadata"]
    return f"{service_name(metadata['name'])}.{metadata['namespace']}.svc.cluster.local"


def identity_labels(cluster: str, node_type: str) -> dict[str, str]:
    """The labels that Pods have in common with the Service that selects them."""
    return {
        CLUSTER_LABEL: cluster,
        NODE_TYPE_LABEL: node_type,
        IDENTIFIER_LABEL: f"{cluster}-{node_type}",
        APPLICATION_LABEL: "kuberay",
        CREATOR_LABEL: "kuberay-operator",
    }


def owner_reference(cluster: Json) -> Json:
    """Has the garbage collector delete an object after its RayCluster."""
    metadata = cluster["metadata"]
    return {
        "apiVersion": "ray.io/v1",
        "kind": "RayCluster",
        "name": metadata["name"],
        "uid": metadata["uid"],
        "controller": True,
        "blockOwnerDeletion": True,
    }
