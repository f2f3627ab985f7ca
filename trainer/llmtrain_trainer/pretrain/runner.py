"""The pretrain stage, as the driver runs it: ranks alone, on tokens that are there."""

from typing import TYPE_CHECKING

from llmtrain_api.run_config import RunConfig
from llmtrain_trainer.runner import StageRunner

if TYPE_CHECKING:
    from llmtrain_trainer.training.task import TrainingTask


def _task(config: RunConfig) -> "TrainingTask":
    from llmtrain_trainer.pretrain.task import pretrain_task

    return pretrain_task(config)


RUNNER = StageRunner(task=_task, describe=lambda _: "pretraining")
