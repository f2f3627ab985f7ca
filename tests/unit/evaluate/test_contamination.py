"""Questions that were trained on are reported, and so are tasks that nobody searched for."""

from pathlib import Path
from typing import Any

import pytest
from support.later_stage_context import stage_context
from support.quiz_task import write_quiz
from support.tiny_model import save_tiny

from llmtrain_api.contamination import TaskContamination, TextKind
from llmtrain_api.data_report import DataReport, Size
from llmtrain_api.records import EvaluationReport
from llmtrain_api.stages import Stage
from llmtrain_trainer.evaluate.questions import task_questions
from llmtrain_trainer.evaluate.stage import run
from llmtrain_trainer.progress.tracker import ProgressTracker
from llmtrain_trainer.questions import Question, questions_digest
from llmtrain_trainer.stage import StageContext

ROWS = [
    {"question": f"How many doors has house {n}?", "choices": ["a", "bb", "c"], "right": n % 3}
    for n in range(9)
]
TRAINED_ON = (0, 4, 5, 7)


def context_of(folder: Path, *tasks: dict[str, Any], **evaluate: Any) -> StageContext:
    save_tiny(folder / "model", context_length=128)
    section = {"tasks": tasks, "bitsPerByte": False, **evaluate}
    return stage_context(folder, Stage.EVALUATE, evaluate=section)


def measured(context: StageContext) -> dict[str, float]:
    return {result.name: result.value for result in run(context)}


def report_training_texts(
    context: StageContext, questions: list[Question], *, removed: bool, found: tuple[int, ...]
) -> None:
    """A data report: some of these questions are in the documents."""
    contamination = TaskContamination(
        task="quiz",
        kind=TextKind.DOCUMENTS,
        texts=len(found),
        found=tuple(questions[number].key for number in found),
        questions=len(questions),
        unsearchable=0,
        digest=questions_digest(questions),
        removed=removed,
    )
    report = DataReport(
        sources={}, steps=(), train=Size(), validation=Size(), contamination=(contamination,)
    )
    context.workspace.data_report.parent.mkdir(parents=True, exist_ok=True)
    context.workspace.data_report.write_text(report.model_dump_json())


def questions_of(context: StageContext) -> list[Question]:
    return [*task_questions(context, documents_are_there=True).questions]


def warnings_of(context: StageContext) -> str:
    assert isinstance(context.progress, ProgressTracker)
    return "\n".join(context.progress.report.warnings)


def test_results_are_also_given_without_the_questions_that_were_trained_on(tmp_path: Path) -> None:
    others = [row for number, row in enumerate(ROWS) if number not in TRAINED_ON]
    alone = measured(context_of(tmp_path / "alone", write_quiz(tmp_path / "alone", others)))
    context = context_of(tmp_path / "all", write_quiz(tmp_path / "all", ROWS))
    report_training_texts(context, questions_of(context), removed=False, found=TRAINED_ON)
    results = run(context)
    values = {result.name: result.value for result in results}
    assert values["quiz/acc.clean"] == alone["quiz/acc"]
    assert values["quiz/acc"] != alone["quiz/acc"]
    assert results[1].standard_error != results[0].standard_error
    report = EvaluationReport.model_validate_json(context.workspace.evaluation_report.read_bytes())
    assert [each.texts for each in report.contamination] == [len(TRAINED_ON)]
    assert not warnings_of(context)


@pytest.mark.parametrize("mode", ["remove", "ignore"])
def test_texts_that_were_left_out_leave_all_questions_clean(tmp_path: Path, mode: str) -> None:
    context = context_of(tmp_path, write_quiz(tmp_path, ROWS), contaminatedTexts=mode)
    searched = context_of(tmp_path, {"lmEval": {"name": "quiz", "include": "quiz"}})
    report_training_texts(context, questions_of(searched), removed=True, found=TRAINED_ON)
    assert list(measured(context)) == ["quiz/acc"]
    assert not warnings_of(context)


def test_a_task_that_came_after_the_documents_is_named(tmp_path: Path) -> None:
    context = context_of(tmp_path, write_quiz(tmp_path, ROWS))
    report_training_texts(context, questions_of(context)[:-1], removed=True, found=())
    run(context)
    assert (
        "evaluate.tasks: quiz: the documents were made without a search for its questions, and may "
        "hold them" in warnings_of(context)
    )
