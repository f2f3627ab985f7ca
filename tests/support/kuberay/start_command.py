"""The `ray start` command that KubeRay makes of a group's `rayStartParams` and resources."""

import math

from kubernetes.utils import parse_quantity
from support.kuberay.names import HEAD, Json

AGENT_PORT = 52365
METRICS_PORT = 8080
_GCS_PORT = 6379
# These take a value; of all others, `true` is a flag alone and `false` is nothing.
_SAID_IN_WORDS = {"log-color", "include-dashboard", "include-log-monitor"}


def gcs_port(cluster: Json) -> str:
    """Where the head listens for Ray nodes and drivers."""
    parameters: dict[str, str] = cluster["spec"]["headGroupSpec"].get("rayStartParams") or {}
    return parameters.get("port", str(_GCS_PORT))


def start_parameters(
    given: dict[str, str], resources: Json, *, address: str | None
) -> dict[str, str]:
    """The options of `ray start`.

    Args:
        given: `rayStartParams` of the group.
        resources: of the Ray container.
        address: of the head; None for the head itself.
    """
    defaults = {"dashboard-host": "0.0.0.0"} if address is None else {"address": address}
    return {
        **_sizes(resources),
        **defaults,
        "metrics-export-port": str(METRICS_PORT),
        "dashboard-agent-listen-port": str(AGENT_PORT),
        **given,
        "block": "true",
    }


def start_command(node_type: str, parameters: dict[str, str]) -> str:
    """The command as a line of shell."""
    options = "".join(
        option for name in sorted(parameters) if (option := _option(name, parameters[name]))
    )
    return f"ray start {'--head ' if node_type == HEAD else ''}{options}"


def _sizes(resources: Json) -> dict[str, str]:
    """What Ray takes the node for: the container's limits; of the requests, only the CPUs."""
    limits, requests = resources.get("limits") or {}, resources.get("requests") or {}
    quantities = {
        "num-cpus": [limits.get("cpu"), requests.get("cpu")],
        "memory": [limits.get("memory")],
        "num-gpus": [limits[name] for name in sorted(limits) if _is_gpu(name)],
    }
    sizes = {name: [_whole(one) for one in found if one] for name, found in quantities.items()}
    return {name: str(next(filter(None, found))) for name, found in sizes.items() if any(found)}


def _is_gpu(resource: str) -> bool:
    return resource.endswith("gpu") or resource.startswith("nvidia.com/mig-")


def _whole(quantity: str | int) -> int:
    whole: int = math.ceil(parse_quantity(quantity))
    return whole


def _option(name: str, value: str) -> str:
    if name not in _SAID_IN_WORDS and value.lower() in {"true", "false"}:
        return f" --{name} " if value.lower() == "true" else ""
    return f" --{name}={value} "
