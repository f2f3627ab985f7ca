"""A driver that cannot join Ray is no fault of the stage."""

import socket

import pytest
import ray

from llmtrain_trainer.errors import WorkerLostError
from llmtrain_trainer.ray_connection import join_ray


def test_a_ray_that_takes_nobody_in_is_lost(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(**_: object) -> None:
        raise ConnectionError("Failed to connect to Ray cluster")

    with socket.create_server(("127.0.0.1", 0)) as server:
        monkeypatch.setenv("RAY_ADDRESS", f"127.0.0.1:{server.getsockname()[1]}")
        monkeypatch.setattr(ray, "init", refuse)
        with pytest.raises(WorkerLostError, match="Ray cannot be joined: "):
            join_ray()
