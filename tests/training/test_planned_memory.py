"""The plan of a stage's memory against what a step of the real engine holds."""

from pathlib import Path

import pytest
from support.rank_process import call_as_only_rank
from support.tiny_job import pretrain_config, write_tokens

from llmtrain_api.run_config import RunConfig
from llmtrain_api.spec.compute import Trainers
from llmtrain_api.workspace import Workspace
from llmtrain_planner.hardware import cpu_device
from llmtrain_planner.memory import plan_memory
from llmtrain_planner.stage_plan import training_setup
from llmtrain_trainer.pretrain.task import pretrain_task

STAGES = (0, 1, 2)
MICRO_BATCH, LENGTH = 4, 128


def _config(folder: Path, stage: int) -> RunConfig:
    return pretrain_config(
        folder,
        model={"hiddenSize": 256, "layers": 4, "vocabularySize": 4000, "dropout": 0.0},
        sequenceLength=LENGTH,
        batchTokens=2 * MICRO_BATCH * LENGTH,
        microBatchSize=MICRO_BATCH,
        zero={"stage": stage},
    )


def _planned(config: RunConfig) -> int:
    """Bytes of the plan, without what the process itself takes."""
    task = pretrain_task(config)
    assert task.architecture is not None
    setup = training_setup(
        task.architecture,
        task.settings.training,
        Trainers(),
        micro_batch_size=MICRO_BATCH,
        dropout=task.dropout,
    )
    plan = plan_memory(setup, cpu_device(1, 2**40))
    return plan.total_bytes - plan.overhead_bytes + plan.host_bytes


def test_a_step_of_the_engine_holds_what_the_plan_says(tmp_path: Path) -> None:
    write_tokens(Workspace(tmp_path), num_tokens=20_000)
    configs = [_config(tmp_path, stage) for stage in STAGES]
    runs = [config.model_dump_json() for config in configs]
    measured = call_as_only_rank("support.planned_memory:measure", runs, tmp_path)
    assert [_planned(config) for config in configs] == [pytest.approx(m, rel=0.1) for m in measured]
