"""The drivers' side of a worker group, where Ray does not do what it should."""

from pathlib import Path
from types import SimpleNamespace
from typing import Never

import pytest
import ray
from ray.exceptions import GetTimeoutError
from support.tiny_job import pretrain_config

from llmtrain_trainer.errors import WorkerLostError
from llmtrain_trainer.launch import worker_group


class _Handle:
    """A keeper that no process is started for, and the class that makes it."""

    def __getattr__(self, _name: str) -> "_Handle":
        return self

    def __call__(self, *_: object, **__: object) -> "_Handle":
        return self


def test_a_keeper_that_does_not_come_up_is_ended_and_the_stage_tried_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    killed: list[object] = []

    def get(_: object, *, timeout: float) -> Never:
        raise GetTimeoutError(f"nothing in {timeout} s")

    monkeypatch.setattr(ray, "remote", _Handle())
    monkeypatch.setattr(ray, "get", get)
    monkeypatch.setattr(ray, "kill", killed.append)
    monkeypatch.setattr(ray, "get_actor", lambda *_, **__: _raise(ValueError))
    node = SimpleNamespace(get_node_id=lambda: "0" * 56)
    monkeypatch.setattr(ray, "get_runtime_context", lambda: node)
    monkeypatch.setattr(worker_group, "_ranks_live", lambda: False)
    with pytest.raises(WorkerLostError, match="no process for the keeper of the workers in 300 s"):
        worker_group.start_keeper(pretrain_config(tmp_path))
    assert len(killed) == 1


def _raise(error: type[Exception]) -> Never:
    raise error
