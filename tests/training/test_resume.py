"""A run that was killed and resumed is the run that never was."""

import hashlib
import json
import shutil
from pathlib import Path
from typing import Any

import pytest
import torch
from support.rank_process import Run, run_ranks
from support.tiny_job import pretrain_config, write_tokens

from llmtrain_api.run_config import RunConfig
from llmtrain_api.stages import Stage
from llmtrain_api.workspace import Workspace

ZERO_STAGES = (0, 1, 2, 3)
CRASH_AFTER = 8
"""Between the checkpoints of steps 5 and 10, in the middle of the second epoch."""
NO_DROPOUT = {"model": {"dropout": 0.0}}
FEATURES: dict[str, tuple[int, dict[str, Any]]] = {
    "offloaded-1": (1, {"zero": {"stage": 1, "offload": "optimizer"}}),
    "offloaded-2": (2, {"zero": {"stage": 2, "offload": "optimizer"}, "precision": "bf16"}),
    "offloaded-3": (3, {"zero": {"stage": 3, "offload": "parameters"}}),
    "recomputed-2": (2, {"activationCheckpointing": "selective"}),
    "recomputed-3": (3, {"activationCheckpointing": "full"}),
}
MIXED = NO_DROPOUT | {
    "data": {
        "sources": [
            {"pythonDocs": {}, "weight": 1, "maxEpochs": 4},
            {"huggingFace": {"path": "any"}, "weight": 3},
        ]
    }
}
"""The first source has 5 sequences, so its 20 are spent before the end."""
EARLY = {
    "earlyStopping": {"patience": 2, "minDelta": 50},
    "validation": {"everySteps": 2},
    "checkpoint": {"everySteps": 4},
}
"""Ends after step 6: the validations after steps 4 and 6 do not improve on the first."""


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Workspaces of every ZeRO stage.

    `uninterrupted` and `resumed` have dropout on and 2 workers; the other runs have no dropout:
    `no-dropout` keeps 2 workers, `fewer-workers` resumes with 1, `more-workers` with 2 after 1.
    """
    root = tmp_path_factory.mktemp("resume")
    first: list[Run] = []
    for stage in ZERO_STAGES:
        first += [
            Run(_config(root, "uninterrupted", stage)),
            Run(_config(root, "resumed", stage), crash_after=CRASH_AFTER),
            Run(_config(root, "no-dropout", stage, **NO_DROPOUT)),
            Run(_config(root, "fewer-workers", stage, **NO_DROPOUT), crash_after=CRASH_AFTER),
        ]
    run_ranks(first, ranks=2)
    assert not list(root.glob("resumed-*/models"))
    shutil.copytree(root / "fewer-workers-2", root / "planted-in-two-2")
    alone: list[Run] = []
    for stage in ZERO_STAGES:
        alone += [
            Run(_config(root, "fewer-workers", stage, attempt=1, workers=1, **NO_DROPOUT)),
            Run(_config(root, "more-workers", stage, workers=1, **NO_DROPOUT), CRASH_AFTER),
        ]
    alone += [
        Run(_config(root, "mixed", 2, workers=1, **MIXED)),
        Run(_config(root, "mixed-moved", 2, workers=1, **MIXED), CRASH_AFTER),
    ]
    run_ranks(alone + _feature_runs(root) + _early_runs(root), ranks=1)
    shutil.copytree(root / "more-workers-2", root / "planted-in-one-2")
    second: list[Run] = []
    for stage in ZERO_STAGES:
        second += [
            Run(_config(root, "resumed", stage, attempt=1)),
            Run(_config(root, "more-workers", stage, attempt=1, **NO_DROPOUT)),
        ]
    second.append(Run(_config(root, "mixed-moved", 2, attempt=1, **MIXED)))
    run_ranks(second, ranks=2)
    return root


def _feature_runs(root: Path) -> list[Run]:
    runs = []
    for name, (stage, changes) in FEATURES.items():
        runs += [
            Run(_config(root, f"uninterrupted-{name}", stage, workers=1, **changes)),
            Run(_config(root, f"cut-{name}", stage, workers=1, **changes), CRASH_AFTER),
            Run(_config(root, f"cut-{name}", stage, workers=1, attempt=1, **changes)),
        ]
    return runs


def _early_runs(root: Path) -> list[Run]:
    return [
        Run(_config(root, "early", 2, workers=1, **EARLY), crash_after=5),
        Run(_config(root, "early", 2, workers=1, attempt=1, **EARLY)),
    ]


@pytest.mark.parametrize("stage", ZERO_STAGES)
def test_resumed_run_is_bit_identical(root: Path, stage: int) -> None:
    uninterrupted, resumed = (_records(root, n, stage) for n in ("uninterrupted", "resumed"))
    assert [record["step"] for record in uninterrupted if "loss" in record] == list(range(1, 13))
    assert resumed == uninterrupted


@pytest.mark.parametrize("stage", ZERO_STAGES)
def test_resumed_run_ends_with_the_same_weights(root: Path, stage: int) -> None:
    uninterrupted, resumed = (
        (root / f"{name}-{stage}" / "models" / "pretrained" / "model.safetensors").read_bytes()
        for name in ("uninterrupted", "resumed")
    )
    assert uninterrupted == resumed


def test_steps_after_the_checkpoint_are_done_again(root: Path) -> None:
    manifests = [
        json.loads(path.read_text())
        for path in Workspace(root / "resumed-2").checkpoints(Stage.PRETRAIN).glob("*/*.json")
    ]
    attempts = {manifest["state"]["step"]: manifest["attempt"] for manifest in manifests}
    assert attempts == {5: 0, 10: 1, 12: 1}


@pytest.mark.parametrize("stage", ZERO_STAGES)
@pytest.mark.parametrize("name", ["fewer-workers", "more-workers"])
def test_another_number_of_workers_sees_the_same_samples(root: Path, name: str, stage: int) -> None:
    same_workers, other_workers = _records(root, "no-dropout", stage), _records(root, name, stage)
    assert _column(other_workers, "samples") == _column(same_workers, "samples")
    assert _column(other_workers, "loss") == pytest.approx(_column(same_workers, "loss"), rel=1e-5)


@pytest.mark.parametrize("name", FEATURES)
def test_a_run_with_a_feature_is_resumed_bit_identically(root: Path, name: str) -> None:
    stage, _ = FEATURES[name]
    kinds = ("uninterrupted", "cut")
    uninterrupted, cut = (_records(root, f"{kind}-{name}", stage) for kind in kinds)
    assert len(_column(uninterrupted, "loss")) == 12
    assert cut == uninterrupted


def test_a_mixture_goes_on_with_another_number_of_workers(root: Path) -> None:
    mixed, moved = _records(root, "mixed", 2), _records(root, "mixed-moved", 2)
    for column in ("samples", "sourceTokens"):
        assert _column(moved, column) == _column(mixed, column)
    assert _column(moved, "loss") == pytest.approx(_column(mixed, "loss"), rel=1e-5)
    by_step = _column(mixed, "sourceTokens")
    assert by_step[:10] == [[2 * 16 * step, 6 * 16 * step] for step in range(1, 11)]
    assert by_step[-1] == [20 * 16, 76 * 16]  # its share of the last 16 sequences went to the other


def test_early_stopping_ends_the_run_and_counts_on_after_a_restart(root: Path) -> None:
    validated = [record["step"] for record in _records(root, "early", 2) if len(record) == 3]
    assert validated == [2, 4, 6]
    assert max(_column(_records(root, "early", 2), "step")) == 6
    assert Workspace(root / "early-2").model("pretrained").is_dir()


class _Trap:
    """Makes a folder when it is unpickled."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def __reduce__(self) -> tuple[object, ...]:
        return Path.mkdir, (self._folder,)


@pytest.mark.parametrize("name", ["planted-in-one", "planted-in-two"])
def test_code_in_a_checkpoint_is_not_run(root: Path, tmp_path: Path, name: str) -> None:
    """Read by DeepSpeed as it is, or by its converter to another number of workers."""
    config, trap = _config(root, name, 2, attempt=1, workers=1, **NO_DROPOUT), tmp_path / "sprung"
    newest = Workspace(root / f"{name}-2").checkpoints(Stage.PRETRAIN) / "step-00000005"
    _plant(newest, _Trap(trap))
    with pytest.raises(AssertionError, match="could run code; delete the folder"):
        run_ranks([Run(config)], ranks=1)
    assert not trap.exists()


def _plant(checkpoint: Path, trap: _Trap) -> None:
    """Put it into all files of a checkpoint, and commit that."""
    manifest = json.loads((checkpoint / "manifest.json").read_text())
    for path in checkpoint.glob("deepspeed/*.pt"):
        state = torch.load(path, weights_only=False)
        torch.save(state | {"trap": trap}, path)
        content = path.read_bytes()
        digest = {"size": len(content), "sha256": hashlib.sha256(content).hexdigest()}
        manifest["files"][str(path.relative_to(checkpoint))] = digest
    text = json.dumps(manifest).encode()
    (checkpoint / "manifest.json").write_bytes(text)
    (checkpoint / "COMMITTED").write_text(hashlib.sha256(text).hexdigest())


def _config(
    root: Path, name: str, stage: int, *, attempt: int = 0, workers: int = 2, **changes: object
) -> RunConfig:
    workspace = root / f"{name}-{stage}"
    if not workspace.exists():
        workspace.mkdir()
        write_tokens(Workspace(workspace))
    return pretrain_config(
        workspace, workers=workers, attempt=attempt, **({"zero": {"stage": stage}} | changes)
    )


def _records(root: Path, name: str, stage: int) -> list[dict[str, Any]]:
    lines = Workspace(root / f"{name}-{stage}").metrics(Stage.PRETRAIN).read_text().splitlines()
    return [{k: v for k, v in json.loads(line).items() if k != "seconds"} for line in lines]


def _column(records: list[dict[str, Any]], name: str) -> list[Any]:
    return [record[name] for record in records if name in record]
