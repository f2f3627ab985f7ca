"""Pods for a test node: as Pod Security's "restricted" wants them, run to their end."""

from collections.abc import Sequence

from support.cluster.api_client import Json
from support.cluster.node import Node

_FINISHED = ("Succeeded", "Failed")


def make_namespace(node: Node, name: str) -> None:
    """A namespace in which only restricted Pods may run."""
    labels = {"pod-security.kubernetes.io/enforce": "restricted"}
    metadata = {"name": name, "labels": labels}
    node.client.request(
        "POST",
        "/api/v1/namespaces",
        {"apiVersion": "v1", "kind": "Namespace", "metadata": metadata},
    )
    accounts = f"/api/v1/namespaces/{name}/serviceaccounts"
    node.wait_until(lambda: bool(node.client.request("GET", accounts)["items"]))


def pod(name: str, image: str, command: Sequence[str]) -> Json:
    """A Pod of one container, labelled `app: NAME`."""
    container = {
        "name": "main",
        "image": image,
        "imagePullPolicy": "Never",
        "command": list(command),
        "securityContext": {
            "allowPrivilegeEscalation": False,
            "capabilities": {"drop": ["ALL"]},
        },
    }
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": name, "labels": {"app": name}},
        "spec": {
            "restartPolicy": "Never",
            "automountServiceAccountToken": False,
            "terminationGracePeriodSeconds": 1,
            "securityContext": {
                "runAsNonRoot": True,
                "seccompProfile": {"type": "RuntimeDefault"},
                "fsGroup": 1000,
            },
            "containers": [container],
        },
    }


def start_pod(node: Node, namespace: str, manifest: Json) -> None:
    """Create a Pod, and wait until it is Ready."""
    path = _create(node, namespace, manifest)

    def is_ready() -> bool:
        status = node.client.request("GET", path)["status"]
        assert status["phase"] not in _FINISHED, status
        conditions = status.get("conditions", [])
        return any(entry["type"] == "Ready" and entry["status"] == "True" for entry in conditions)

    node.wait_until(is_ready)


def run_pod(node: Node, namespace: str, manifest: Json, *, within_seconds: float = 120) -> str:
    """Create a Pod, and wait until it has ended.

    Returns:
        What it printed.
    """
    path = _create(node, namespace, manifest)
    node.wait_until(
        lambda: node.client.request("GET", path)["status"]["phase"] in _FINISHED,
        within_seconds=within_seconds,
    )
    printed: str = node.client.request("GET", f"{path}/log")["message"]
    phase = node.client.request("GET", path)["status"]["phase"]
    assert phase == "Succeeded", printed
    return printed


def _create(node: Node, namespace: str, manifest: Json) -> str:
    path = f"/api/v1/namespaces/{namespace}/pods"
    node.client.request("POST", path, manifest)
    return f"{path}/{manifest['metadata']['name']}"
