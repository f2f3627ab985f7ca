"""The data stage, as the driver runs it."""

from llmtrain_trainer.runner import Product, StageResult, StageRunner
from llmtrain_trainer.stage import StageContext


def _product(context: StageContext) -> Product:
    from llmtrain_trainer.data.stage import documents

    return documents(context)


def _run(context: StageContext) -> StageResult:
    from llmtrain_trainer.data.stage import conclude

    return conclude(context)


RUNNER = StageRunner(product=_product, run=_run)
