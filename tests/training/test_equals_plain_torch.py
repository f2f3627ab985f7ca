"""DeepSpeed at every ZeRO stage trains as plain PyTorch does on the same global batches.

So does all that only saves memory or time: offloading, recomputing activations, compiling.
"""

import json
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from support.rank_process import Run, run_ranks
from support.tiny_job import SEQUENCE_LENGTH, pretrain_config, write_tokens
from torch.nn import functional

from llmtrain_api.run_config import RunConfig
from llmtrain_api.stages import Stage
from llmtrain_api.workspace import Workspace
from llmtrain_trainer.models.build import initialize
from llmtrain_trainer.pretrain.task import pretrain_task
from llmtrain_trainer.training.samples import SampleOrder, step_positions
from llmtrain_trainer.training.schedule import learning_rate

STEPS = 20
BATCH_SEQUENCES = 8
BF16_TOLERANCE = 5e-3
"""Relative: bf16 has 8 bits of precision, and 20 steps of rounding add up."""
CASES = [
    (workers, stage, precision)
    for workers in (1, 2)
    for stage in (0, 1, 2, 3)
    for precision in ("fp32", "bf16")
]
FEATURES: dict[str, dict[str, Any]] = {
    "optimizer offloaded, stage 1": {"zero": {"stage": 1, "offload": "optimizer"}},
    "optimizer offloaded, stage 2": {"zero": {"stage": 2, "offload": "optimizer"}},
    "parameters offloaded, stage 3": {"zero": {"stage": 3, "offload": "parameters"}},
    "recomputed, stage 2": {"zero": {"stage": 2}, "activationCheckpointing": "selective"},
    "recomputed, stage 3": {"zero": {"stage": 3}, "activationCheckpointing": "offload"},
    "smoothed labels": {"zero": {"stage": 2}, "labelSmoothing": 0.2},
}


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("plain")
    for count in (1, 2):
        runs = [
            Run(_config(root, workers, stage, precision))
            for workers, stage, precision in CASES
            if workers == count
        ]
        if count == 2:
            runs += [
                Run(_feature_config(root / name, changes)) for name, changes in FEATURES.items()
            ]
        run_ranks(runs, ranks=count)
    return root


@pytest.fixture(scope="module")
def plain(root: Path) -> list[float]:
    return _plain_losses(_config(root, 1, 0, "fp32"))


@pytest.mark.parametrize(("workers", "stage", "precision"), CASES)
def test_losses_equal_plain_torch(
    root: Path, plain: list[float], workers: int, stage: int, precision: str
) -> None:
    losses = _losses(_folder(root, workers, stage, precision))
    assert len(losses) == STEPS
    assert losses == pytest.approx(plain, rel=1e-5 if precision == "fp32" else BF16_TOLERANCE)


@pytest.mark.parametrize("name", FEATURES)
def test_features_change_no_losses(root: Path, name: str) -> None:
    config = _feature_config(root / name, FEATURES[name])
    assert _losses(root / name) == pytest.approx(_plain_losses(config), rel=1e-5)


@pytest.mark.skipif(shutil.which("g++") is None, reason="torch.compile needs g++ on a CPU")
def test_a_compiled_model_learns_the_same(tmp_path: Path) -> None:
    configs = {
        stage: _feature_config(
            tmp_path / str(stage), {"compile": True, "zero": {"stage": stage}}, workers=1
        )
        for stage in (1, 3)
    }
    run_ranks([Run(config) for config in configs.values()], ranks=1)
    for stage, config in configs.items():
        losses = _losses(tmp_path / str(stage))
        assert losses == pytest.approx(_plain_losses(config), rel=1e-4)


def _losses(folder: Path) -> list[float]:
    metrics = Workspace(folder).metrics(Stage.PRETRAIN)
    records = [json.loads(line) for line in metrics.read_text().splitlines()]
    return [record["loss"] for record in records if "loss" in record]


def _feature_config(folder: Path, changes: dict[str, Any], *, workers: int = 2) -> RunConfig:
    if not folder.exists():
        folder.mkdir()
        write_tokens(Workspace(folder))
    defaults = {"model": {"dropout": 0.0}, "checkpoint": {}}
    return pretrain_config(folder, workers=workers, **(defaults | changes))


def _folder(root: Path, workers: int, stage: int, precision: str) -> Path:
    return root / f"{workers}-{stage}-{precision}"


def _config(root: Path, workers: int, stage: int, precision: str) -> RunConfig:
    workspace = _folder(root, workers, stage, precision)
    if not workspace.exists():
        workspace.mkdir()
        write_tokens(Workspace(workspace))
    return pretrain_config(
        workspace,
        workers=workers,
        model={"dropout": 0.0},
        zero={"stage": stage},
        precision=precision,
        tokens=STEPS * BATCH_SEQUENCES * SEQUENCE_LENGTH,
        checkpoint={},
    )


def _plain_losses(config: RunConfig) -> list[float]:
    """The same model, batches and schedule in a dozen lines of PyTorch, on one process."""
    task = pretrain_task(config)
    rule = task.settings.training.optimizer
    model = task.build_model()
    initialize(model, seed=config.seed, gather=lambda _parameters: torch.no_grad())
    groups = [
        {"params": [p for p in model.parameters() if p.dim() > 1], "weight_decay": 0.1},
        {"params": [p for p in model.parameters() if p.dim() == 1], "weight_decay": 0.0},
    ]
    optimizer = torch.optim.AdamW(groups, betas=(rule.beta1, rule.beta2), eps=rule.epsilon)
    order = SampleOrder(len(task.samples), config.seed)
    steps, smoothing = task.settings.total_steps, task.settings.label_smoothing
    losses = []
    for step in range(steps):
        batch = task.samples.batch(order.at(step_positions(step, BATCH_SEQUENCES)))
        logits = model(torch.from_numpy(batch.input_ids)).logits
        labels = torch.from_numpy(np.ascontiguousarray(batch.labels))
        loss = functional.cross_entropy(
            logits.flatten(0, 1), labels.flatten(), label_smoothing=smoothing
        )
        optimizer.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), rule.clip)
        for group in optimizer.param_groups:
            group["lr"] = learning_rate(rule, step, steps)
        optimizer.step()
        losses.append(loss.item())
    return losses
