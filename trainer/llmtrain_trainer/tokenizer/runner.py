"""The tokenizer stage, as the driver runs it."""

from llmtrain_trainer.runner import Product, StageResult, StageRunner
from llmtrain_trainer.stage import StageContext


def _product(context: StageContext) -> Product | None:
    from llmtrain_trainer.tokenizer.stage import tokens

    return tokens(context)


def _run(context: StageContext) -> StageResult:
    from llmtrain_trainer.tokenizer.stage import conclude

    return conclude(context)


RUNNER = StageRunner(product=_product, run=_run)
