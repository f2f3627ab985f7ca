"""Trackers see all that a stage measures, over a crash and a restart, and change nothing of it."""

import json
from pathlib import Path
from typing import Any

import pytest
from support.event_files import scalars
from support.local_run import step_records
from support.rank_process import Run, run_ranks
from support.tiny_job import pretrain_config, write_tokens

from llmtrain_api.run_config import RunConfig
from llmtrain_api.spec.tracking import Tracking
from llmtrain_api.workspace import Workspace

CRASH_AFTER = 8
"""Between the checkpoints of steps 5 and 10."""


@pytest.fixture(scope="module")
def workspaces(tmp_path_factory: pytest.TempPathFactory) -> tuple[Workspace, Workspace]:
    """Workspaces of a run without trackers, and of one with all, which crashes once."""
    root = tmp_path_factory.mktemp("tracking")
    plain, tracked = (Workspace(root / name) for name in ("plain", "tracked"))
    for workspace in (plain, tracked):
        workspace.root.mkdir()
        write_tokens(workspace)
    runs = [
        Run(_config(plain.root)),
        Run(_config(tracked.root, tensorboard={}, mlflow={}, wandb={}), crash_after=CRASH_AFTER),
        Run(_config(tracked.root, 1, tensorboard={}, mlflow={}, wandb={})),
    ]
    run_ranks(runs, ranks=1)
    return plain, tracked


def _config(workspace: Path, attempt: int = 0, **trackers: Any) -> RunConfig:
    config = pretrain_config(workspace, attempt=attempt)
    return config.replace(tracking=Tracking.model_validate(trackers))


def test_training_is_the_same_with_trackers(workspaces: tuple[Workspace, Workspace]) -> None:
    plain, tracked = workspaces
    assert step_records(plain) == step_records(tracked)
    weights = [w.model("pretrained") / "model.safetensors" for w in workspaces]
    assert weights[0].read_bytes() == weights[1].read_bytes()


def test_tensorboard_shows_the_losses_of_the_step_log(
    workspaces: tuple[Workspace, Workspace],
) -> None:
    _, tracked = workspaces
    shown = scalars(tracked.tracking / "tensorboard" / "pretrain", "loss")
    logged = {r["step"]: r["loss"] for r in step_records(tracked) if "loss" in r}
    assert shown == pytest.approx(logged)


def test_a_restart_goes_on_with_one_run_of_mlflow(workspaces: tuple[Workspace, Workspace]) -> None:
    _, tracked = workspaces
    (run,) = tracked.tracking.glob("mlflow/*/*/metrics")
    steps = [int(line.split()[2]) for line in (run / "loss").read_text().splitlines()]
    assert steps == [*range(1, CRASH_AFTER + 1), *range(6, 13)]
    assert json.loads((run.parent / "tags" / "llmtrain.attempt").read_text()) == 1
