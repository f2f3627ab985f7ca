"""Hooks that Ray calls by their names, for what has no option of `ray start`.

The variable RAY_START_HOOK names one: `llmtrain run` on a laptop, the RayCluster on Kubernetes.
"""

import inspect
import sys
from collections.abc import Callable
from typing import Any, Protocol


class _Parameters(Protocol):
    ray_client_server_port: int | None


def on_laptop(parameters: _Parameters, _is_head: bool) -> None:  # noqa: FBT001 - Ray's
    """Leave out Ray's server for clients on other machines, and its dashboard; be patient.

    A run has no use for the two.

    Args:
        parameters: parameters of the Ray node that is about to start.
    """
    parameters.ray_client_server_port = None
    services = _services()
    services.start_api_server = _no_dashboard
    services.start_raylet = announcing_ports(services.start_raylet)


def in_pod(_parameters: _Parameters, _is_head: bool) -> None:  # noqa: FBT001 - Ray's
    """Be patient: a Pod with few cores, or one of many on its node, starts Ray's agents slowly."""
    services = _services()
    services.start_raylet = announcing_ports(services.start_raylet)


def _services() -> Any:  # noqa: ANN401 - Ray's
    return sys.modules["ray._private.services"]  # hooks run in Ray's own process


def _no_dashboard(*_: object, **__: object) -> tuple[None, None]:
    """In the place of the function that starts the dashboard: no URL and no process."""
    return None, None


def announcing_ports(start_raylet: Callable[..., object]) -> Callable[..., object]:
    """Ray's function that starts the raylet, which then need not wait for its agents' ports.

    The raylet reads the ports in files that the agents write, and ends if one is not there within
    15 seconds. But `ray start` got the ports as options, so the files can be there before the
    agents are.

    Args:
        start_raylet: Ray's own, in `ray._private.services`.
    """
    signature = inspect.signature(start_raylet)

    def start(*arguments: Any, **named: Any) -> object:  # noqa: ANN401 - Ray's
        raylet: Any = sys.modules["ray._raylet"]
        given = signature.bind(*arguments, **named).arguments
        ports = {
            raylet.METRICS_AGENT_PORT_NAME: given["metrics_agent_port"],
            raylet.METRICS_EXPORT_PORT_NAME: given["metrics_export_port"],
            raylet.DASHBOARD_AGENT_LISTEN_PORT_NAME: given["dashboard_agent_listen_port"],
            raylet.RUNTIME_ENV_AGENT_PORT_NAME: given["runtime_env_agent_port"],
        }
        for name, port in ports.items():
            raylet.persist_port(given["session_dir"], given["node_id"], name, port)
        return start_raylet(*arguments, **named)

    return start
