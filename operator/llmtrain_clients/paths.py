"""Paths of the API server's resources that the operator uses."""

from llmtrain_api import names

RAY_API = "/apis/ray.io/v1"


def jobs(namespace: str | None, name: str | None = None) -> str:
    """Path of LLMTrainingJobs: one, all of a namespace, or all."""
    return _path(f"/apis/{names.GROUP}/{names.VERSION}", namespace, names.PLURAL, name)


def ray_clusters(namespace: str | None, name: str | None = None) -> str:
    """Path of RayClusters: one, all of a namespace, or all."""
    return _path(RAY_API, namespace, "rayclusters", name)


def workloads(namespace: str) -> str:
    """Path of Kueue's Workloads of a namespace."""
    return _path("/apis/kueue.x-k8s.io/v1beta2", namespace, "workloads")


def pods(namespace: str | None) -> str:
    """Path of Pods: all of a namespace, or all."""
    return _path("/api/v1", namespace, "pods")


def node(name: str) -> str:
    """Path of a Node."""
    return _path("/api/v1", None, "nodes", name)


def claims(namespace: str, name: str | None = None) -> str:
    """Path of PersistentVolumeClaims of a namespace: one, or all."""
    return _path("/api/v1", namespace, "persistentvolumeclaims", name)


def network_policies(namespace: str, name: str | None = None) -> str:
    """Path of NetworkPolicies of a namespace: one, or all."""
    return _path("/apis/networking.k8s.io/v1", namespace, "networkpolicies", name)


def secret(namespace: str, name: str) -> str:
    """Path of a Secret."""
    return _path("/api/v1", namespace, "secrets", name)


def events(namespace: str) -> str:
    """Path of the Events of a namespace."""
    return _path("/api/v1", namespace, "events")


def leases(namespace: str, name: str | None = None) -> str:
    """Path of Leases of a namespace: one, or all."""
    return _path("/apis/coordination.k8s.io/v1", namespace, "leases", name)


def service_proxy(namespace: str, service: str, port: str) -> str:
    """Path of the API server's proxy to a port of a Service."""
    return _path("/api/v1", namespace, "services", f"{service}:{port}") + "/proxy"


def _path(api: str, namespace: str | None, plural: str, name: str | None = None) -> str:
    scope = f"/namespaces/{namespace}" if namespace else ""
    return f"{api}{scope}/{plural}" + (f"/{name}" if name else "")
