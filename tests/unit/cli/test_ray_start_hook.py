"""The hook in `ray start`: what it leaves out."""

import inspect
from types import SimpleNamespace

import pytest
from ray._private import node, services

from llmtrain_cli.local.ray_start_hook import leave_out_servers


def test_it_replaces_what_ray_calls(monkeypatch: pytest.MonkeyPatch) -> None:
    """Ray's node calls the function by its module, in the version that is installed."""
    assert "services.start_api_server(" in inspect.getsource(node)
    monkeypatch.setattr(services, "start_api_server", services.start_api_server)
    parameters = SimpleNamespace(ray_client_server_port=10001)
    leave_out_servers(parameters, True)  # noqa: FBT003 - Ray's
    assert parameters.ray_client_server_port is None
    assert services.start_api_server(None, raise_on_failure=False) == (None, None)
