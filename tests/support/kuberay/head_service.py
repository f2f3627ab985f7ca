"""The Service that KubeRay puts before a head."""

from support.kuberay import names
from support.kuberay.names import HEAD, Json
from support.kuberay.start_command import METRICS_PORT

_DEFAULT_PORTS = {"client": 10001, "gcs-server": 6379, "dashboard": 8265, "serve": 8000}


def head_service(cluster: Json) -> Json:
    """The Service: without an address of its own, unless another type is asked for."""
    metadata, head = cluster["metadata"], cluster["spec"]["headGroupSpec"]
    labels = names.identity_labels(metadata["name"], HEAD)
    given = (head["template"].get("metadata") or {}).get("labels") or {}
    if names.APPLICATION_LABEL in given:
        labels[names.APPLICATION_LABEL] = given[names.APPLICATION_LABEL]
    spec: Json = {"selector": labels, "ports": _ports(head)}
    kind = head.get("serviceType") or "ClusterIP"
    if kind == "ClusterIP":
        spec |= {"clusterIP": "None", "publishNotReadyAddresses": True}
    return {
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": {
            "name": names.service_name(metadata["name"]),
            "namespace": metadata["namespace"],
            "labels": labels,
            "ownerReferences": [names.owner_reference(cluster)],
        },
        "spec": {**spec, "type": kind},
    }


def endpoints(service: Json) -> dict[str, str]:
    """Where each port of the Service leads to."""
    return {
        port["name"]: str(port.get("nodePort") or port["targetPort"])
        for port in service["spec"]["ports"]
    }


def _ports(head: Json) -> list[Json]:
    """The head container's ports under their names, else Ray's usual ones."""
    container = head["template"]["spec"]["containers"][0]
    named = {
        port.get("name") or f"{port['containerPort']}-port": port["containerPort"]
        for port in container.get("ports") or []
    }
    ports = {"metrics": METRICS_PORT, **(named or _DEFAULT_PORTS)}
    return [{"name": name, "port": ports[name], "appProtocol": "tcp"} for name in sorted(ports)]
