"""What one rank of a training stage does, whoever started it."""

import os
from pathlib import Path

from llmtrain_api.stages import Stage
from llmtrain_trainer.disk import full_disk_told
from llmtrain_trainer.stage import StageContext


def run_rank(context: StageContext) -> None:
    """Train as one rank; the process group and the device are set up."""
    import torch

    from llmtrain_trainer.training.loop import train

    config = context.config
    torch.set_num_threads(max(1, config.workers.cpus))
    os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")
    match config.stage:
        case Stage.PRETRAIN:
            from llmtrain_trainer.pretrain.task import pretrain_task

            task = pretrain_task(config)
        case Stage.FINETUNE:
            from llmtrain_trainer.finetune.task import finetune_task

            task = finetune_task(config)
        case _:
            raise AssertionError(f"{config.stage} does not train")
    with full_disk_told(Path(config.workspace)):
        train(task, context)
