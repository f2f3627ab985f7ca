"""The evaluate stage, as the driver runs it; its tasks are checked while earlier stages run."""

from collections.abc import Iterable

from llmtrain_trainer.questions import QuestionSet
from llmtrain_trainer.runner import StageResult, StageRunner
from llmtrain_trainer.stage import StageContext


def _run(context: StageContext) -> StageResult:
    from llmtrain_trainer.evaluate.stage import run

    return StageResult(evaluation=run(context))


def _check_documents(context: StageContext) -> Iterable[str]:
    from llmtrain_trainer.evaluate.early_checks import missing_questions

    return missing_questions(context)


def _check_tokenizer(context: StageContext) -> None:
    from llmtrain_trainer.evaluate.early_checks import require_room_for_questions

    require_room_for_questions(context)


def _questions(context: StageContext, *, documents_are_there: bool) -> QuestionSet:
    from llmtrain_trainer.evaluate.questions import task_questions

    return task_questions(context, documents_are_there=documents_are_there)


RUNNER = StageRunner(
    run=_run,
    check_documents=_check_documents,
    check_tokenizer=_check_tokenizer,
    questions=_questions,
)
