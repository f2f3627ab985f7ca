"""The pretrain stage, as the driver runs it: ranks alone, on tokens that are there."""

from typing import TYPE_CHECKING

from llmtrain_api.run_config import RunConfig
from llmtrain_trainer.runner import StageRunner
from llmtrain_trainer.stage import StageContext

if TYPE_CHECKING:
    from llmtrain_trainer.training.task import TrainingTask


def _task(config: RunConfig) -> "TrainingTask":
    from llmtrain_trainer.pretrain.task import pretrain_task

    return pretrain_task(config)


def _check_tokenizer(context: StageContext) -> None:
    from llmtrain_trainer.pretrain.early_checks import check_mixture

    check_mixture(context)


RUNNER = StageRunner(task=_task, describe=lambda _: "pretraining", check_tokenizer=_check_tokenizer)
