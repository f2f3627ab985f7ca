"""The hooks in `ray start`: what they leave out, and what they announce."""

import inspect
from pathlib import Path
from types import SimpleNamespace

import pytest
from ray._private import node, services
from ray._raylet import (
    DASHBOARD_AGENT_LISTEN_PORT_NAME,
    METRICS_AGENT_PORT_NAME,
    METRICS_EXPORT_PORT_NAME,
    RUNTIME_ENV_AGENT_PORT_NAME,
    wait_for_persisted_port,
)

from llmtrain_trainer.launch.ray_start import announcing_ports, in_pod, on_laptop


def test_it_replaces_what_ray_calls(monkeypatch: pytest.MonkeyPatch) -> None:
    """Ray's node calls the functions by their module, in the version that is installed."""
    source = inspect.getsource(node)
    for name in ("start_api_server", "start_raylet"):
        assert f"services.{name}(" in source
        monkeypatch.setattr(services, name, getattr(services, name))
    rays_own = services.start_raylet
    parameters = SimpleNamespace(ray_client_server_port=10001)
    on_laptop(parameters, True)  # noqa: FBT003 - Ray's
    assert parameters.ray_client_server_port is None
    assert services.start_api_server(None, raise_on_failure=False) == (None, None)
    assert services.start_raylet is not rays_own


def test_in_a_pod_the_dashboard_stays(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("start_api_server", "start_raylet"):
        monkeypatch.setattr(services, name, getattr(services, name))
    dashboard, raylet = services.start_api_server, services.start_raylet
    parameters = SimpleNamespace(ray_client_server_port=10001)
    in_pod(parameters, False)  # noqa: FBT003 - Ray's
    assert services.start_api_server is dashboard
    assert services.start_raylet is not raylet
    assert parameters.ray_client_server_port == 10001


def test_ports_are_there_before_the_agents(tmp_path: Path) -> None:
    """A raylet whose agents take longer than 15 seconds to start ends otherwise."""
    seen = []

    def start_raylet(  # its parameters have the names of Ray's own
        node_id: str,
        session_dir: str,
        metrics_agent_port: int,
        metrics_export_port: int,
        dashboard_agent_listen_port: int,
        runtime_env_agent_port: int,
    ) -> None:
        ports = {
            METRICS_AGENT_PORT_NAME: metrics_agent_port,
            METRICS_EXPORT_PORT_NAME: metrics_export_port,
            DASHBOARD_AGENT_LISTEN_PORT_NAME: dashboard_agent_listen_port,
            RUNTIME_ENV_AGENT_PORT_NAME: runtime_env_agent_port,
        }
        for name, port in ports.items():
            seen.append(wait_for_persisted_port(session_dir, node_id, name, timeout_ms=0) == port)

    parameters = inspect.signature(start_raylet).parameters
    assert set(parameters) <= set(inspect.signature(services.start_raylet).parameters)
    ports = {name: 21_000 + place for place, name in enumerate(parameters) if "port" in name}
    announcing_ports(start_raylet)("a" * 56, str(tmp_path), **ports)
    assert seen == [True] * 4
