"""What DeepSpeed saves is copied, where the host has memory for the copy."""

from pathlib import Path
from typing import Any

import pytest
import torch

from llmtrain_trainer import host_memory
from llmtrain_trainer.training.snapshot import Snapshot

FILE = Path("deepspeed/model.pt")


class _Engine:
    """Stands in for DeepSpeed's engine, which saves through `Capture`."""

    def __init__(self, capture: Any) -> None:
        self._capture = capture
        self.weights = torch.ones(8)

    def save_checkpoint(self, folder: str, *, tag: str, **_: object) -> None:
        self._capture.save({"weights": self.weights}, f"{folder}/{tag}/model.pt")


def _snapshot(*, copies: bool) -> tuple[Snapshot, torch.Tensor]:
    from llmtrain_trainer.training.capture import Capture

    capture = Capture(copies=copies, ranks_here=2)
    engine: Any = _Engine(capture)
    return capture.snapshot(engine, "deepspeed", without_frozen=False), engine.weights


def _saved(snapshot: Snapshot) -> torch.Tensor:
    state: Any = snapshot.states[FILE]
    assert isinstance(state["weights"], torch.Tensor)
    return state["weights"]


def test_training_may_go_on_with_what_is_copied() -> None:
    snapshot, weights = _snapshot(copies=True)
    weights.zero_()
    assert snapshot.is_copy
    assert _saved(snapshot).tolist() == [1.0] * 8


@pytest.mark.parametrize("why", ["offloaded", "no memory"])
def test_training_has_to_wait_for_what_is_not_copied(
    why: str, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    if why == "no memory":
        monkeypatch.setattr(host_memory, "is_known", lambda: True)
        monkeypatch.setattr(host_memory, "free_bytes", lambda: 0)
    snapshot, weights = _snapshot(copies=why == "no memory")
    assert not snapshot.is_copy
    assert _saved(snapshot) is weights
    assert ("training waits for this checkpoint" in caplog.text) is (why == "no memory")
