"""A hook that Ray calls by its name, for parts of `ray start` that have no option."""

from typing import Protocol


class _Parameters(Protocol):
    ray_client_server_port: int | None


def without_client_server(parameters: _Parameters, _is_head: bool) -> None:  # noqa: FBT001 - Ray's
    """Leave out Ray's server for clients on other machines: a run has none.

    Args:
        parameters: parameters of the Ray node that is about to start.
    """
    parameters.ray_client_server_port = None
