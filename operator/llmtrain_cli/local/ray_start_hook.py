"""A hook that Ray calls by its name, for what has no option of `ray start`."""

import sys
from typing import Any, Protocol


class _Parameters(Protocol):
    ray_client_server_port: int | None


def leave_out_servers(parameters: _Parameters, _is_head: bool) -> None:  # noqa: FBT001 - Ray's
    """Leave out Ray's server for clients on other machines, and the dashboard: a run has no use.

    Args:
        parameters: parameters of the Ray node that is about to start.
    """
    parameters.ray_client_server_port = None
    services: Any = sys.modules["ray._private.services"]  # this runs in Ray's own process
    services.start_api_server = _no_dashboard


def _no_dashboard(*_: object, **__: object) -> tuple[None, None]:
    """In the place of the function that starts the dashboard: no URL and no process."""
    return None, None
