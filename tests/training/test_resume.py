"""A run that was killed and resumed is the run that never was."""

import json
from pathlib import Path
from typing import Any

import pytest
from support.rank_process import Run, run_ranks
from support.tiny_job import pretrain_config, write_tokens

from llmtrain_api.run_config import RunConfig
from llmtrain_api.stages import Stage
from llmtrain_api.workspace import Workspace

ZERO_STAGES = (0, 1, 2, 3)
CRASH_AFTER = 8
"""Between the checkpoints of steps 5 and 10, in the middle of the second epoch."""
NO_DROPOUT = {"model": {"dropout": 0.0}}


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Workspaces of every ZeRO stage.

    `calm` and `resumed` have dropout on and 2 workers; `steady` and `moved` have it off, and
    `moved` goes on with 1 worker.
    """
    root = tmp_path_factory.mktemp("resume")
    first: list[Run] = []
    for stage in ZERO_STAGES:
        first += [
            Run(_config(root, "calm", stage)),
            Run(_config(root, "resumed", stage), crash_after=CRASH_AFTER),
            Run(_config(root, "steady", stage, **NO_DROPOUT)),
            Run(_config(root, "moved", stage, **NO_DROPOUT), crash_after=CRASH_AFTER),
        ]
    run_ranks(first, ranks=2)
    assert not list(root.glob("resumed-*/models"))
    run_ranks([Run(_config(root, "resumed", stage, attempt=1)) for stage in ZERO_STAGES], ranks=2)
    run_ranks(
        [
            Run(_config(root, "moved", stage, attempt=1, workers=1, **NO_DROPOUT))
            for stage in ZERO_STAGES
        ],
        ranks=1,
    )
    return root


@pytest.mark.parametrize("stage", ZERO_STAGES)
def test_resumed_run_is_bit_identical(root: Path, stage: int) -> None:
    calm, resumed = _records(root, "calm", stage), _records(root, "resumed", stage)
    assert [record["step"] for record in calm if "loss" in record] == list(range(1, 13))
    assert resumed == calm


@pytest.mark.parametrize("stage", ZERO_STAGES)
def test_resumed_run_ends_with_the_same_weights(root: Path, stage: int) -> None:
    calm, resumed = (
        (root / f"{name}-{stage}" / "models" / "pretrained" / "model.safetensors").read_bytes()
        for name in ("calm", "resumed")
    )
    assert calm == resumed


def test_steps_after_the_checkpoint_are_done_again(root: Path) -> None:
    manifests = [
        json.loads(path.read_text())
        for path in Workspace(root / "resumed-2").checkpoints(Stage.PRETRAIN).glob("*/*.json")
    ]
    attempts = {manifest["state"]["step"]: manifest["attempt"] for manifest in manifests}
    assert attempts == {5: 0, 10: 1, 12: 1}


@pytest.mark.parametrize("stage", ZERO_STAGES)
def test_another_number_of_workers_sees_the_same_samples(root: Path, stage: int) -> None:
    steady, moved = _records(root, "steady", stage), _records(root, "moved", stage)
    assert _column(moved, "samples") == _column(steady, "samples")
    assert _column(moved, "loss") == pytest.approx(_column(steady, "loss"), rel=1e-5)


def _config(
    root: Path, name: str, stage: int, *, attempt: int = 0, workers: int = 2, **changes: object
) -> RunConfig:
    workspace = root / f"{name}-{stage}"
    if not workspace.exists():
        workspace.mkdir()
        write_tokens(Workspace(workspace))
    return pretrain_config(
        workspace, workers=workers, attempt=attempt, zero={"stage": stage}, **changes
    )


def _records(root: Path, name: str, stage: int) -> list[dict[str, Any]]:
    lines = Workspace(root / f"{name}-{stage}").metrics(Stage.PRETRAIN).read_text().splitlines()
    return [{k: v for k, v in json.loads(line).items() if k != "seconds"} for line in lines]


def _column(records: list[dict[str, Any]], name: str) -> list[Any]:
    return [record[name] for record in records if name in record]
