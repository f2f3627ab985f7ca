"""A model in parts makes the steps of the whole one, and is saved, resumed and exported as it."""

import json
from pathlib import Path
from typing import Any

import pytest
from safetensors.torch import load_file
from support.architectures import SPLIT
from support.later_stage_context import stage_context
from support.rank_process import Run, run_ranks
from support.tiny_job import SEQUENCE_LENGTH, pretrain_config, write_tokens
from support.tiny_model import save_tiny

from llmtrain_api.families import Family
from llmtrain_api.run_config import RunConfig, Workers
from llmtrain_api.stages import Stage
from llmtrain_api.workspace import Workspace
from llmtrain_trainer.finetune.runner import RUNNER

STEPS, CRASH_AFTER = 20, 13
BATCH_SEQUENCES = 8
LAYOUTS = [(0, 2), (3, 2), (0, 4), (1, 4), (3, 4)]
"""ZeRO stage and ranks, two of which hold a model, beside stage 1 on two ranks."""


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("tensor")
    alone = [Run(_pretrain(root / family / "whole", family)) for family in SPLIT]
    alone.append(Run(_finetune(root / "finetune-whole", workers=1)))
    run_ranks(alone, ranks=1)
    for ranks in (2, 4):
        runs = [
            Run(_pretrain(root / f"{stage}-{ranks}", Family.LLAMA, workers=ranks, stage=stage))
            for stage, on in LAYOUTS
            if on == ranks
        ]
        if ranks == 2:
            runs += [Run(_pretrain(root / each / "parts", each, workers=2)) for each in SPLIT]
            runs.append(Run(_finetune(root / "finetune-parts", workers=2)))
        else:
            runs += [
                Run(_pretrain(root / "cut", Family.LLAMA, workers=4), CRASH_AFTER),
                Run(_pretrain(root / "cut", Family.LLAMA, workers=4, attempt=1)),
            ]
        run_ranks(runs, ranks=ranks)
    return root


@pytest.mark.slow
@pytest.mark.parametrize("family", SPLIT)
def test_a_family_in_two_parts_learns_as_the_whole(root: Path, family: Family) -> None:
    _require_equal(root / family / "parts", root / family / "whole")


@pytest.mark.slow
@pytest.mark.parametrize(("stage", "ranks"), LAYOUTS)
def test_parts_learn_as_the_whole_at_every_stage(root: Path, stage: int, ranks: int) -> None:
    _require_equal(root / f"{stage}-{ranks}", root / Family.LLAMA / "whole")


@pytest.mark.slow
def test_packed_conversations_of_uneven_lengths_are_learned_as_by_the_whole(root: Path) -> None:
    parts, whole = (_column(root / f"finetune-{kind}", "loss") for kind in ("parts", "whole"))
    assert len(whole) > 10
    assert parts == pytest.approx(whole, rel=1e-6)


@pytest.mark.slow
def test_parts_that_crashed_are_resumed_bit_identically(root: Path) -> None:
    cut, whole = root / "cut", root / "1-4"
    assert _column(cut, "loss") == _column(whole, "loss")
    files = [Workspace(each).model("pretrained") / "model.safetensors" for each in (cut, whole)]
    assert files[0].read_bytes() == files[1].read_bytes()


def _require_equal(parts: Path, whole: Path) -> None:
    """The same losses, norms of all gradients, validation, and saved model."""
    for name, tolerance in (("loss", 1e-6), ("validationLoss", 1e-6), ("gradientNorm", 3e-5)):
        expected = _column(whole, name)
        assert expected
        assert _column(parts, name) == pytest.approx(expected, rel=tolerance), name
    saved, same = (
        load_file(Workspace(each).model("pretrained") / "model.safetensors")
        for each in (parts, whole)
    )
    assert saved.keys() == same.keys()
    for name, weight in same.items():
        assert saved[name].shape == weight.shape, name
        assert (saved[name] - weight).abs().mean() < 1e-4, name


def _column(folder: Path, name: str) -> list[float]:
    stage = Stage.FINETUNE if folder.name.startswith("finetune") else Stage.PRETRAIN
    lines = Workspace(folder).metrics(stage).read_text().splitlines()
    return [record[name] for record in map(json.loads, lines) if name in record]


def _pretrain(
    folder: Path, family: Family, *, workers: int = 1, stage: int = 1, attempt: int = 0
) -> RunConfig:
    if not folder.exists():
        folder.mkdir(parents=True)
        write_tokens(Workspace(folder))
    grouped = family.definition.keys.key_value_heads is not None
    return pretrain_config(
        folder,
        workers=workers,
        attempt=attempt,
        model={"dropout": 0.0, "family": family} | ({"keyValueHeads": 2} if grouped else {}),
        tokens=STEPS * BATCH_SEQUENCES * SEQUENCE_LENGTH,
        optimizer={"learningRate": 0.001, "clip": 0.5},
        zero={"stage": stage},
        parallel={"tensor": min(workers, 2)},
    )


def _finetune(folder: Path, *, workers: int) -> RunConfig:
    save_tiny(folder / "model")
    turns: list[list[dict[str, Any]]] = [
        [
            {"role": "user", "content": f"{n}?"},
            {"role": "assistant", "content": f"It is {n}." * (n % 3 + 1)},
        ]
        for n in range(24)
    ]
    lines = [json.dumps({"messages": messages}) for messages in turns]
    (folder / "chats.jsonl").write_text("\n".join(lines))
    section = {
        "data": {"sources": [{"files": {"paths": ["chats.jsonl"]}}], "validationFraction": 0.1},
        "sequenceLength": 64,
        "batchTokens": 4 * 64,
        "microBatchSize": 2,
        "epochs": 4,
        "optimizer": {"learningRate": 0.001},
        "precision": "fp32",
        "zero": {"stage": 1},
        "parallel": {"tensor": workers},
    }
    context = stage_context(folder, Stage.FINETUNE, finetune=section)
    RUNNER.work(context)
    return context.config.replace(workers=Workers(count=workers, cpus=1, gpus=0))
