"""Storage for a test node: a folder of the test, as a PersistentVolume and a claim on it."""

from pathlib import Path

from support.cluster.node import Node


def make_volume(node: Node, name: str, *, size: str = "10Gi") -> Path:
    """Make a PersistentVolume without a storage class; any claim that asks for none may get it.

    Returns:
        Its folder, where everyone may write.
    """
    folder = node.folder / "volumes" / name
    folder.mkdir(parents=True)
    folder.chmod(0o777)
    volume = {
        "apiVersion": "v1",
        "kind": "PersistentVolume",
        "metadata": {"name": name},
        "spec": {
            "accessModes": ["ReadWriteMany", "ReadWriteOnce"],
            "capacity": {"storage": size},
            "hostPath": {"path": str(folder), "type": "Directory"},
            "persistentVolumeReclaimPolicy": "Retain",
        },
    }
    node.client.request("POST", "/api/v1/persistentvolumes", volume)
    return folder


def make_claim(node: Node, namespace: str, name: str, *, size: str = "10Gi") -> Path:
    """Make a PersistentVolumeClaim with a volume of its own.

    Returns:
        The folder that Pods find in it.
    """
    volume = f"{namespace}-{name}"
    folder = make_volume(node, volume, size=size)
    claim = {
        "apiVersion": "v1",
        "kind": "PersistentVolumeClaim",
        "metadata": {"name": name},
        "spec": {
            "accessModes": ["ReadWriteMany"],
            "resources": {"requests": {"storage": size}},
            "storageClassName": "",
            "volumeName": volume,
        },
    }
    claims = f"/api/v1/namespaces/{namespace}/persistentvolumeclaims"
    node.client.request("POST", claims, claim)
    return folder
