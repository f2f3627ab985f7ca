"""The export stage, as the driver runs it."""

from llmtrain_trainer.runner import Product, StageResult, StageRunner
from llmtrain_trainer.stage import StageContext


def _product(context: StageContext) -> Product:
    from llmtrain_trainer.export.stage import exported_model

    return exported_model(context)


def _run(context: StageContext) -> StageResult:
    from llmtrain_trainer.export.send import send

    send(context)
    context.progress.update(percent=100, activity="the export is ready")
    return StageResult()


def _check_access(context: StageContext) -> None:
    from llmtrain_trainer.export.ray_service import check_ray_service
    from llmtrain_trainer.export.send import check_access

    check_ray_service(context.config)
    check_access(context)


RUNNER = StageRunner(product=_product, run=_run, check_access=_check_access)
