"""A hook that Ray calls by its name, for what has no option of `ray start`."""

import sys
import time
from collections.abc import Callable
from typing import Any, Protocol

_START_SECONDS = 120.0
_LOOK_SECONDS = 0.2


class _Parameters(Protocol):
    ray_client_server_port: int | None


def prepare(parameters: _Parameters, _is_head: bool) -> None:  # noqa: FBT001 - Ray's
    """Leave out Ray's server for clients on other machines, and its dashboard; be patient.

    A run has no use for the two. And a busy machine takes longer to start Ray than the 30 seconds
    after which Ray gives up.

    Args:
        parameters: parameters of the Ray node that is about to start.
    """
    parameters.ray_client_server_port = None
    services: Any = sys.modules["ray._private.services"]  # this runs in Ray's own process
    services.start_api_server = _no_dashboard
    services.get_node = patient(services.get_node)


def _no_dashboard(*_: object, **__: object) -> tuple[None, None]:
    """In the place of the function that starts the dashboard: no URL and no process."""
    return None, None


def patient(get_node: Callable[..., object]) -> Callable[..., object]:
    """Ray's function that finds the node, with more time for the node to come up.

    Args:
        get_node: raises `RuntimeError` as long as the node is not there.
    """

    def wait_for_node(*arguments: object) -> object:
        give_up = time.monotonic() + _START_SECONDS
        while True:
            try:
                return get_node(*arguments)
            except RuntimeError:
                if time.monotonic() > give_up:
                    raise
                time.sleep(_LOOK_SECONDS)

    return wait_for_node
