"""Each family on two ranks: the same losses at every ZeRO stage, and after a crash."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from support.architectures import WITH_EXPERTS
from support.rank_process import Run, run_ranks
from support.tiny_job import SEQUENCE_LENGTH, pretrain_config, write_tokens

from llmtrain_api.families import Family
from llmtrain_api.run_config import RunConfig
from llmtrain_api.stages import Stage
from llmtrain_api.workspace import Workspace
from llmtrain_trainer.models.build import initialize
from llmtrain_trainer.pretrain.task import pretrain_task
from llmtrain_trainer.training.samples import SampleOrder, step_positions
from llmtrain_trainer.training.schedule import learning_rate

STEPS, CRASH_AFTER = 4, 3
BATCH_SEQUENCES, MICRO_BATCH = 8, 2
STAGES = (0, 1, 2, 3)
RESUMED = 2
PRETRAINED = (*WITH_EXPERTS, Family.GEMMA)
"""Families that start from a folder too: the hub has experts one by one, and Gemma ties."""


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("families")
    runs = []
    for family in Family:
        runs += [Run(_config(root / family / str(stage), family, stage)) for stage in STAGES]
        cut = root / family / "cut"
        runs.append(Run(_config(cut, family, RESUMED), crash_after=CRASH_AFTER))
        runs.append(Run(_config(cut, family, RESUMED, attempt=1)))
    for family in PRETRAINED:
        folder = str(Workspace(root / family / "0").model("pretrained"))
        for stage in (0, 3):
            place = root / family / f"from-{stage}"
            runs.append(Run(_config(place, family, stage, init_from=folder)))
    run_ranks(runs, ranks=2)
    return root


@pytest.mark.parametrize("family", Family)
def test_losses_are_those_of_plain_torch_at_every_stage(root: Path, family: Family) -> None:
    expected = _plain_losses(_config(root / family / "0", family, 0))
    for stage in STAGES:
        losses = _losses(root / family / str(stage))
        assert len(losses) == STEPS
        assert losses == pytest.approx(expected, rel=3e-6), stage


@pytest.mark.parametrize("family", Family)
def test_a_run_that_crashed_is_resumed_bit_identically(root: Path, family: Family) -> None:
    whole, cut = root / family / str(RESUMED), root / family / "cut"
    assert _losses(cut) == _losses(whole)
    names = [Workspace(each).model("pretrained") / "model.safetensors" for each in (whole, cut)]
    assert names[0].read_bytes() == names[1].read_bytes()


@pytest.mark.parametrize("family", WITH_EXPERTS)
def test_each_step_says_how_evenly_experts_are_used(root: Path, family: Family) -> None:
    """As many as the experts of a token where all are used alike, more elsewhere."""
    for stage in STAGES:
        lines = Workspace(root / family / str(stage)).metrics(Stage.PRETRAIN).read_text()
        records = [json.loads(line) for line in lines.splitlines()]
        terms = [record["scalars"]["experts/balance"] for record in records if "loss" in record]
        assert len(terms) == STEPS
        assert all(2 * 0.98 < term < 2 * 1.5 for term in terms), terms


@pytest.mark.parametrize("family", PRETRAINED)
def test_a_folder_is_read_the_same_where_it_is_sharded(root: Path, family: Family) -> None:
    whole, sharded = (_losses(root / family / f"from-{stage}") for stage in (0, 3))
    assert sharded == pytest.approx(whole, rel=3e-6)
    assert whole[0] < _losses(root / family / "0")[0]


def _config(folder: Path, family: Family, stage: int, **changes: Any) -> RunConfig:
    if not folder.exists():
        folder.mkdir(parents=True)
        write_tokens(Workspace(folder))
    model = {"dropout": 0.0} | ({} if "init_from" in changes else {"family": family})
    if "init_from" in changes:
        changes["tokens"] = 2 * BATCH_SEQUENCES * SEQUENCE_LENGTH
    return pretrain_config(
        folder,
        workers=2,
        model=model,
        zero={"stage": stage},
        checkpoint={"everySteps": 2},
        **{"tokens": STEPS * BATCH_SEQUENCES * SEQUENCE_LENGTH, **changes},
    )


def _losses(folder: Path) -> list[float]:
    lines = Workspace(folder).metrics(Stage.PRETRAIN).read_text().splitlines()
    return [record["loss"] for record in map(json.loads, lines) if "loss" in record]


def _plain_losses(config: RunConfig) -> list[float]:
    """The same batches through the loss of transformers itself, on one process."""
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
    router = {"output_router_logits": True} if hasattr(model.config, "output_router_logits") else {}
    losses = []
    for step in range(task.settings.total_steps):
        numbers = order.at(step_positions(step, BATCH_SEQUENCES)).reshape(-1, MICRO_BATCH)
        optimizer.zero_grad()
        nats = 0.0
        for share in numbers:
            batch = task.samples.batch(share)
            labels = torch.from_numpy(np.ascontiguousarray(batch.labels))
            ids = torch.from_numpy(batch.input_ids)
            out = model(input_ids=ids, labels=labels, shift_labels=labels, **router)
            (out.loss / len(numbers)).backward()
            flat = out.logits.flatten(0, 1)
            nats += torch.nn.functional.cross_entropy(flat, labels.flatten()).item()
        torch.nn.utils.clip_grad_norm_(model.parameters(), rule.clip)
        for group in optimizer.param_groups:
            group["lr"] = learning_rate(rule, step, task.settings.total_steps)
        optimizer.step()
        losses.append(nats / len(numbers))
    return losses
