"""The finetune stage, as the driver runs it: conversations are packed, then ranks train on them."""

from typing import TYPE_CHECKING

from llmtrain_api.run_config import RunConfig
from llmtrain_trainer.runner import Product, StageResult, StageRunner
from llmtrain_trainer.stage import StageContext

if TYPE_CHECKING:
    from llmtrain_trainer.training.task import TrainingTask


def _product(context: StageContext) -> Product:
    from llmtrain_trainer.finetune.prepared import conversations

    return conversations(context)


def _run(context: StageContext) -> StageResult:
    from llmtrain_trainer.finetune.prepared import conclude

    return conclude(context)


def _task(config: RunConfig) -> "TrainingTask":
    from llmtrain_trainer.finetune.task import finetune_task

    return finetune_task(config)


def _own_tokens(config: RunConfig) -> int:
    from llmtrain_trainer.finetune.prepared import num_positions

    return num_positions(config)


def _count_tokens(context: StageContext) -> int:
    from llmtrain_trainer.finetune.count import count_tokens

    return count_tokens(context)


def _describe(config: RunConfig) -> str:
    assert config.finetune is not None, "the stage runs when its section is there"
    return f"fine-tuning on conversations ({config.finetune.method.value})"


RUNNER = StageRunner(
    product=_product,
    run=_run,
    task=_task,
    own_tokens=_own_tokens,
    describe=_describe,
    count_tokens=_count_tokens,
)
