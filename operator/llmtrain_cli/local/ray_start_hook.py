"""Changes what `ray start` starts, where it has no option for it; Ray calls it by its name."""

from typing import Protocol


class _Parameters(Protocol):
    ray_client_server_port: int | None


def without_client_server(parameters: _Parameters, _is_head: bool) -> None:  # noqa: FBT001 - Ray's
    """Leave out the server for clients on other machines: a run has none.

    Args:
        parameters: of the Ray node that is about to start.
    """
    parameters.ray_client_server_port = None
