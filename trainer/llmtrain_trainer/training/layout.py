"""How a training stage's batch is shared out."""

from llmtrain_api.run_config import RunConfig
from llmtrain_api.spec.finetune import Finetune
from llmtrain_api.spec.pretrain import Pretrain
from llmtrain_planner.batch import BatchLayout, batch_layout
from llmtrain_trainer.errors import UserError


def stage_layout(section: Pretrain | Finetune, config: RunConfig) -> BatchLayout:
    """The batch layout of a stage on the workers that it has.

    Raises:
        UserError: the batch cannot be shared out evenly.
    """
    try:
        return batch_layout(
            batch_tokens=section.batch_tokens,
            sequence_length=section.sequence_length,
            workers=config.workers.count,
            micro_batch_size=section.micro_batch_size,
        )
    except ValueError as error:
        raise UserError(f"{config.stage}.{error}") from error
