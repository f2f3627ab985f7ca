"""One RayCluster on an API server without nodes: tests look at it, and play kubelet for it."""

from dataclasses import dataclass, replace
from typing import Any

from support.cluster.api_client import ApiClient, ApiRefusal
from support.cluster.processes import Process
from support.kuberay.names import CLUSTER_LABEL, HEAD, NODE_TYPE_LABEL, WORKER, Json

_MERGE = "application/merge-patch+json"
_HEAD_ADDRESS = "10.244.0.7"


@dataclass(frozen=True)
class Scene:
    """A RayCluster and all that belongs to it.

    Attributes:
        client: of the API server.
        manager: that cares for RayClusters.
        name: of the RayCluster.
        namespace: that it is in.
    """

    client: ApiClient
    manager: Process
    name: str
    namespace: str = "default"

    @property
    def core(self) -> str:
        """Where the API server keeps the namespace's own kinds."""
        return f"/api/v1/namespaces/{self.namespace}"

    @property
    def path(self) -> str:
        """Of the RayCluster."""
        return f"{self._clusters}/{self.name}"

    @property
    def _clusters(self) -> str:
        return f"/apis/ray.io/v1/namespaces/{self.namespace}/rayclusters"

    def named(self, name: str) -> "Scene":
        """Another RayCluster beside this one."""
        return replace(self, name=name)

    def create(self, **changes: Any) -> "Scene":
        """Create it, with some fields of its spec as given."""
        cluster = ray_cluster(self.name, **changes)
        self.client.request("POST", f"{self._clusters}?fieldValidation=Strict", cluster)
        return self

    def change(self, spec: Json) -> None:
        """Change fields of its spec."""
        self.client.request("PATCH", self.path, {"spec": spec}, content=_MERGE)

    def delete(self, path: str) -> None:
        """Delete an object."""
        self.client.request("DELETE", path)

    def get(self) -> Json:
        """The RayCluster."""
        return self.client.request("GET", self.path)

    def status(self) -> Json:
        """Its status; empty where there is none."""
        status: Json = self.get().get("status", {})
        return status

    def condition(self, kind: str) -> Json:
        """One of its conditions; empty where it is not there."""
        conditions = self.status().get("conditions", [])
        return next((one for one in conditions if one["type"] == kind), {})

    def pods(self, node_type: str = "") -> list[Json]:
        """Its Pods; of one type, or all."""
        selector = f"{CLUSTER_LABEL}={self.name}"
        if node_type:
            selector += f",{NODE_TYPE_LABEL}={node_type}"
        items: list[Json] = self.client.request(
            "GET", f"{self.core}/pods?labelSelector={selector}"
        )["items"]
        return items

    def find(self, plural: str, name: str) -> Json | None:
        """An object of the namespace; None where there is none."""
        try:
            return self.client.request("GET", f"{self.core}/{plural}/{name}")
        except ApiRefusal:
            return None

    def wait_for_pods(self, heads: int = 1, workers: int = 2) -> list[Json]:
        """Wait until there are that many, and return them."""
        counts = {HEAD: heads, WORKER: workers}
        self.manager.wait_until(
            lambda: all(len(self.pods(node_type)) == counts[node_type] for node_type in counts)
        )
        return self.pods()

    def wait_for_state(self, state: str) -> None:
        """Wait until the status has it."""
        self.manager.wait_until(lambda: self.status().get("state") == state)

    def set_pod(self, pod: Json, phase: str, *, ready: bool) -> None:
        """Say of a Pod what kubelet would say."""
        conditions = [{"type": "Ready", "status": str(ready)}]
        status = {"phase": phase, "conditions": conditions, "podIP": _HEAD_ADDRESS}
        path = f"{self.core}/pods/{pod['metadata']['name']}/status"
        self.client.request("PATCH", path, {"status": status}, content=_MERGE)

    def become_ready(self, workers: int = 2) -> "Scene":
        """Wait for the Pods, say that they run, and wait until the manager has seen it."""
        for pod in self.wait_for_pods(workers=workers):
            self.set_pod(pod, "Running", ready=True)
        self.wait_for_state("ready")
        return self


def ray_cluster(name: str, *, labels: Json | None = None, **changes: Any) -> Json:
    """A RayCluster with a head and two workers, and with a token."""
    annotations = {"ray.io/disable-provisioned-head-restart": "true"}
    head = {"rayStartParams": {"num-cpus": "0"}, "template": _template("ray-head", labels)}
    workers = {
        "groupName": "trainers",
        "replicas": 2,
        "minReplicas": 2,
        "maxReplicas": 2,
        "rayStartParams": {},
        "template": _template("ray-worker", labels),
    }
    spec = {
        "rayVersion": "2.60.0",
        "enableInTreeAutoscaling": False,
        "authOptions": {"mode": "token"},
        "headGroupSpec": head,
        "workerGroupSpecs": [workers],
    }
    return {
        "apiVersion": "ray.io/v1",
        "kind": "RayCluster",
        "metadata": {"name": name, "annotations": annotations},
        "spec": spec | changes,
    }


def _template(container: str, labels: Json | None) -> Json:
    limits = {"cpu": "1500m", "memory": "2Gi"}
    ray = {"name": container, "image": "trainer", "resources": {"limits": limits}}
    return {"metadata": {"labels": labels or {}}, "spec": {"containers": [ray]}}
