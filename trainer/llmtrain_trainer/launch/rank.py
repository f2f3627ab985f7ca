"""One rank of a training stage, independent of its launcher."""

import os
from pathlib import Path

import torch

from llmtrain_api.run_config import RunConfig
from llmtrain_trainer.disk import explain_full_disk
from llmtrain_trainer.micro_batch.find import with_micro_batch
from llmtrain_trainer.out_of_memory import explain_out_of_memory
from llmtrain_trainer.runner import runner_of
from llmtrain_trainer.stage import StageContext
from llmtrain_trainer.tracking.trackers import require_packages
from llmtrain_trainer.training.loop import train


def run_rank(context: StageContext) -> None:
    """Train as one rank; the process group and the device are set up."""
    config = context.config
    torch.set_num_threads(max(1, config.workers.cpus))
    os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")
    make_task = runner_of(config.stage).task
    assert make_task is not None, f"{config.stage} does not train"
    task = make_task(config)
    require_packages(config)
    with explain_full_disk(Path(config.workspace)), explain_out_of_memory(_advice(config)):
        train(with_micro_batch(task, context), context)


def _advice(config: RunConfig) -> str:
    training = config.trainings[config.stage]
    if training.finds_micro_batch_size(on_gpus=config.workers.gpus > 0):
        return "the next attempt goes on with a smaller micro batch, where there is one"
    return "set microBatchSize: auto, or lower it, or raise compute.trainers.memory"
