"""Fine-tuning that was killed and resumed is the fine-tuning that never was."""

import json
from pathlib import Path
from typing import Any

import pytest
from support.later_stage_context import stage_context
from support.rank_process import Run, run_ranks
from support.tiny_model import save_tiny

from llmtrain_api.run_config import RunConfig
from llmtrain_api.stages import Stage
from llmtrain_api.workspace import Workspace
from llmtrain_trainer.finetune.runner import RUNNER

CASES: dict[str, dict[str, Any]] = {
    "full-2": {"zero": {"stage": 2}},
    "full-3": {"zero": {"stage": 3}},
    "lora-2": {"method": "lora", "lora": {"dropout": 0.1}, "zero": {"stage": 2}},
    "lora-3": {"method": "lora", "zero": {"stage": 3}},
}
CRASH_AFTER = 8
"""Between the checkpoints of steps 5 and 10."""


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("finetune")
    runs: list[Run] = []
    for name, section in CASES.items():
        uninterrupted, cut = (
            _config(root / f"{kind}-{name}", section) for kind in ("uninterrupted", "cut")
        )
        again = cut.replace(attempt=1)
        runs += [Run(uninterrupted), Run(cut, CRASH_AFTER), Run(again)]
    run_ranks(runs, ranks=1)
    return root


@pytest.mark.parametrize("name", CASES)
def test_resumed_fine_tuning_is_bit_identical(root: Path, name: str) -> None:
    uninterrupted, cut = (Workspace(root / f"{kind}-{name}") for kind in ("uninterrupted", "cut"))
    steps = [record["step"] for record in _records(uninterrupted) if "loss" in record]
    assert steps == list(range(1, len(steps) + 1))
    assert len(steps) > CRASH_AFTER
    assert _records(cut) == _records(uninterrupted)
    weights, same = (each.model("finetuned") / "model.safetensors" for each in (uninterrupted, cut))
    assert weights.read_bytes() == same.read_bytes()


@pytest.mark.parametrize("name", CASES)
def test_it_learns(root: Path, name: str) -> None:
    losses = [r["loss"] for r in _records(Workspace(root / f"uninterrupted-{name}")) if "loss" in r]
    assert losses[-1] < losses[0] - 0.1


def _config(folder: Path, section: dict[str, Any]) -> RunConfig:
    """The run config of a workspace with a model and prepared conversations."""
    save_tiny(folder / "model")
    turns = [
        [{"role": "user", "content": f"{n}?"}, {"role": "assistant", "content": f"It is {n}."}]
        for n in range(24)
    ]
    lines = [json.dumps({"messages": messages}) for messages in turns]
    (folder / "chats.jsonl").write_text("\n".join(lines))
    finetune = {
        "data": {"sources": [{"files": {"paths": ["chats.jsonl"]}}], "validationFraction": 0.1},
        "sequenceLength": 64,
        "batchTokens": 4 * 64,
        "microBatchSize": 2,
        "epochs": 4,
        "optimizer": {"learningRate": 0.01},
        "precision": "fp32",
        "checkpoint": {"everySteps": 5},
    }
    context = stage_context(folder, Stage.FINETUNE, finetune=finetune | section)
    RUNNER.work(context)
    return context.config


def _records(workspace: Workspace) -> list[dict[str, Any]]:
    lines = workspace.metrics(Stage.FINETUNE).read_text().splitlines()
    return [{k: v for k, v in json.loads(line).items() if k != "seconds"} for line in lines]
