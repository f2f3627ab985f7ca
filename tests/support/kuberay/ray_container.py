"""What KubeRay adds to the first container of a Pod, in which Ray runs."""

import copy
from dataclasses import dataclass, field

from support.kuberay import names
from support.kuberay.names import HEAD, Json
from support.kuberay.start_command import METRICS_PORT, start_command

_SHELL = ["/bin/bash", "-c", "--"]
_OPEN_FILES = "ulimit -n ${RAY_START_ULIMIT_OPEN_FILES:-65536}"
_LOOPBACK = "127.0.0.1"
_WAITING_SIZE = {"cpu": "200m", "memory": "256Mi"}
_WAIT = "until ray health-check --address {address} > /dev/null 2>&1; do sleep 1; done"


@dataclass(frozen=True)
class Node:
    """A Ray node.

    Attributes:
        node_type: head or worker.
        head_host: DNS name of the head.
        head_port: where the head listens.
        parameters: of `ray start`.
        token: the environment that Ray finds its token in.
        own_command: whether the container's command stays as it is.
    """

    node_type: str
    head_host: str
    head_port: str
    parameters: dict[str, str]
    token: list[Json] = field(default_factory=list)
    own_command: bool = False

    @property
    def start_command(self) -> str:
        """What makes the container a Ray node."""
        return start_command(self.node_type, self.parameters)

    def head_environment(self) -> list[Json]:
        """How others than the head find it."""
        return [
            {"name": "FQ_RAY_IP", "value": self.head_host},
            {"name": "RAY_IP", "value": self.head_host.partition(".")[0]},
        ]


def complete_ray_container(container: Json, node: Node) -> None:
    """Make a container start Ray."""
    _add_metrics_port(container)
    _set_command(container, node)
    container["env"] = _environment(container.get("env") or [], node)
    _add_probes(container, node)


def waiting_container(ray_container: Json, node: Node) -> Json:
    """The init container that holds a worker back until the head serves.

    Args:
        ray_container: of the worker, as the template has it.
        node: the worker.
    """
    wait = _WAIT.format(address=f"{node.head_host}:{node.head_port}")
    same = {"image", "imagePullPolicy", "securityContext", "env", "volumeMounts"}
    copied = copy.deepcopy({key: ray_container[key] for key in same & ray_container.keys()})
    return {
        **copied,
        "name": "wait-gcs-ready",
        "command": _SHELL,
        "args": [wait],
        "env": _with_missing(copied.get("env") or [], node.token),
        "resources": {"limits": _WAITING_SIZE, "requests": _WAITING_SIZE},
    }


def _add_metrics_port(container: Json) -> None:
    ports = container.setdefault("ports", [])
    if all(port.get("name") != "metrics" for port in ports):
        ports.append({"name": "metrics", "containerPort": METRICS_PORT})


def _set_command(container: Json, node: Node) -> None:
    given = (container.get("command") or []) + (container.get("args") or [])
    before = "".join(f" {word} " for word in given)
    if node.own_command or "ray start" in before:
        return
    start = f"{_OPEN_FILES}; {node.start_command}"
    container["command"] = _SHELL
    container["args"] = [f"{before} && {start}" if before else start]


def _environment(given: list[Json], node: Node) -> list[Json]:
    is_head = node.node_type == HEAD
    host = _LOOPBACK if is_head else node.head_host
    tags = f"kuberay_version={names.VERSION};kuberay_crd=RayCluster"
    managed = [
        *([] if is_head else node.head_environment()),
        _of_the_pod("RAY_CLUSTER_NAME", f"metadata.labels['{names.CLUSTER_LABEL}']"),
        _of_the_pod("RAY_CLUSTER_NAMESPACE", "metadata.namespace"),
        _of_the_pod("RAY_CLOUD_INSTANCE_ID", "metadata.name"),
        _of_the_pod("RAY_NODE_TYPE_NAME", f"metadata.labels['{names.GROUP_LABEL}']"),
        {"name": "KUBERAY_GEN_RAY_START_CMD", "value": node.start_command},
        *([{"name": "RAY_USAGE_STATS_EXTRA_TAGS", "value": tags}] if is_head else []),
    ]
    defaults = [
        {"name": "RAY_PORT", "value": node.head_port},
        {"name": "RAY_ADDRESS", "value": f"{host}:{node.head_port}"},
        {"name": "RAY_USAGE_STATS_KUBERAY_IN_USE", "value": "1"},
        {"name": "RAY_DASHBOARD_ENABLE_K8S_DISK_USAGE", "value": "1"},
    ]
    return _with_missing([*_with_missing(given, node.token), *managed], defaults)


def _of_the_pod(name: str, path: str) -> Json:
    return {"name": name, "valueFrom": {"fieldRef": {"fieldPath": path}}}


def _with_missing(environment: list[Json], defaults: list[Json]) -> list[Json]:
    there = {variable["name"] for variable in environment}
    return environment + [variable for variable in defaults if variable["name"] not in there]


def _add_probes(container: Json, node: Node) -> None:
    """Ray from 2.53 on says by itself, at one place, whether a node is well."""
    port = int(node.parameters["dashboard-agent-listen-port"])
    common = {
        "httpGet": {"path": "/api/healthz", "port": port},
        "timeoutSeconds": 5 if node.node_type == HEAD else 2,
        "periodSeconds": 5,
        "successThreshold": 1,
    }
    container.setdefault(
        "livenessProbe", common | {"initialDelaySeconds": 30, "failureThreshold": 120}
    )
    container.setdefault(
        "readinessProbe", common | {"initialDelaySeconds": 10, "failureThreshold": 10}
    )
