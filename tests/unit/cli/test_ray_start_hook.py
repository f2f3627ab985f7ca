"""The hook in `ray start`: what it leaves out, and how long it waits."""

import inspect
from types import SimpleNamespace

import pytest
from ray._private import node, services

from llmtrain_cli.local import ray_start_hook
from llmtrain_cli.local.ray_start_hook import patient, prepare


def test_it_replaces_what_ray_calls(monkeypatch: pytest.MonkeyPatch) -> None:
    """Ray's node calls the functions by their module, in the version that is installed."""
    source = inspect.getsource(node)
    assert "services.start_api_server(" in source
    assert "services.get_node(" in source
    rays_own = services.get_node
    monkeypatch.setattr(services, "start_api_server", services.start_api_server)
    monkeypatch.setattr(services, "get_node", rays_own)
    parameters = SimpleNamespace(ray_client_server_port=10001)
    prepare(parameters, True)  # noqa: FBT003 - Ray's
    assert parameters.ray_client_server_port is None
    assert services.start_api_server(None, raise_on_failure=False) == (None, None)
    assert services.get_node is not rays_own


def test_a_node_that_comes_up_late_is_awaited(monkeypatch: pytest.MonkeyPatch) -> None:
    now = 0.0
    asked: list[tuple[object, ...]] = []

    def sleep(seconds: float) -> None:
        nonlocal now
        now += seconds

    def get_node(*arguments: object) -> str:
        asked.append(arguments)
        if now < 90:
            raise RuntimeError("no node")
        return "node"

    monkeypatch.setattr(ray_start_hook.time, "monotonic", lambda: now)
    monkeypatch.setattr(ray_start_hook.time, "sleep", sleep)
    assert patient(get_node)("address", "id") == "node"
    assert asked[0] == ("address", "id")


def test_a_node_that_never_comes_up_is_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    times = iter(range(0, 1000, 50))

    def get_node() -> None:
        raise RuntimeError("no node")

    monkeypatch.setattr(ray_start_hook.time, "monotonic", lambda: next(times))
    monkeypatch.setattr(ray_start_hook.time, "sleep", lambda _seconds: None)
    with pytest.raises(RuntimeError, match="no node"):
        patient(get_node)()
