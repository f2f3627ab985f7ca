"""One rank of a training stage, independent of its launcher."""

import os
from pathlib import Path

from llmtrain_trainer.disk import explain_full_disk
from llmtrain_trainer.runner import runner_of
from llmtrain_trainer.stage import StageContext
from llmtrain_trainer.tracking.trackers import require_packages


def run_rank(context: StageContext) -> None:
    """Train as one rank; the process group and the device are set up."""
    import torch

    from llmtrain_trainer.training.loop import train

    config = context.config
    torch.set_num_threads(max(1, config.workers.cpus))
    os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")
    make_task = runner_of(config.stage).task
    assert make_task is not None, f"{config.stage} does not train"
    task = make_task(config)
    require_packages(config)
    with explain_full_disk(Path(config.workspace)):
        train(task, context)
