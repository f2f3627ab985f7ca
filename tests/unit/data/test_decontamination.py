"""Evaluation questions in training texts are named and taken out: documents and conversations."""

import json
from pathlib import Path
from typing import Any

import pytest
from support.quiz_task import NAME, write_quiz
from support.stage_context import documents_of, stage_context
from support.tiny_model import save_tiny

from llmtrain_api.contamination import ContaminationReport, TaskContamination
from llmtrain_api.data_report import DataReport
from llmtrain_trainer.data.documents import DocumentWriter
from llmtrain_trainer.data.preview import preview
from llmtrain_trainer.data.runner import RUNNER as DATA_STAGE
from llmtrain_trainer.data.sources.python_docs import harvest_part
from llmtrain_trainer.errors import UserError
from llmtrain_trainer.finetune.packed.sequences import PackedSequences
from llmtrain_trainer.finetune.runner import RUNNER as FINETUNE_STAGE
from llmtrain_trainer.models.tokenizer import load_tokenizer
from llmtrain_trainer.progress.tracker import ProgressTracker
from llmtrain_trainer.stage import StageContext

CITIES = ("Bern", "Oslo", "Rome", "Lima", "Cairo", "Accra", "Hanoi", "Quito", "Minsk", "Sofia")
ROWS = [
    {
        "question": f"In which year did the new railway line reach the harbour of {city} at last?",
        "choices": [str(1850 + number), str(1900 + number)],
        "right": number % 2,
    }
    for number, city in enumerate((*CITIES, "Paris", "London"))
]
ROWS.append({"question": "Why?", "choices": ["So.", "No."], "right": 0})
PLANTED = f"A quiz of last night. {ROWS[4]['question'].upper()} It was in 1854, they say."
CLEAN = [f"Document {number} speaks of the weather on day {number}." for number in range(6)]


def contexts(folder: Path, texts: list[str], **evaluate: Any) -> StageContext:
    """A data stage that reads these texts, in a job with the quiz."""
    task = write_quiz(folder / "inputs", ROWS) if not (folder / "inputs").exists() else None
    lines = "\n".join(json.dumps({"text": text}) for text in texts)
    file = folder / "inputs" / "a.jsonl"
    if not file.exists():  # a file that is written again is another input
        file.write_text(lines)
    task = task or {"lmEval": {"name": NAME, "include": NAME}}
    return stage_context(
        "data",
        folder,
        data={
            "sources": [{"files": {"paths": ["a.jsonl"], "format": "jsonl"}}],
            "steps": [{"unicode": {}}, {"exactDedup": {}}],
            "validationFraction": 0.4,
        },
        evaluate={"tasks": [task], "bitsPerByte": False} | evaluate,
    )


def made(context: StageContext) -> tuple[DataReport, list[str]]:
    """The data report, and all documents."""
    DATA_STAGE.work(context)
    report = DataReport.model_validate_json(context.workspace.data_report.read_bytes())
    sides = (documents_of(context.workspace, side) for side in ("train", "validation"))
    return report, sorted(text for side in sides for text in side)


def warnings_of(context: StageContext) -> str:
    assert isinstance(context.progress, ProgressTracker)
    return "\n".join(context.progress.report.warnings)


def test_a_question_in_a_document_is_named_and_the_document_left_out(tmp_path: Path) -> None:
    template = "Answer the question. Question: in which year did the new railway line reach it?"
    context = contexts(tmp_path, [*CLEAN, PLANTED, template])
    report, documents = made(context)
    assert documents == sorted([*CLEAN, template])
    (quiz,) = report.contamination
    assert (quiz.task, quiz.kind, quiz.removed) == ("quiz", "documents", True)
    assert (quiz.questions, quiz.unsearchable, quiz.texts, len(quiz.found)) == (13, 1, 1, 1)
    assert quiz.examples[0].source == "a.jsonl"
    assert "HARBOUR OF CAIRO" in quiz.examples[0].excerpt
    step = next(step for step in report.steps if step.name == "decontaminate")
    assert step.dropped_by_rule == {"quiz": 1}
    assert "decontaminate quiz" in report.by_source[0].dropped_by_rule
    told = "quiz: 1 documents hold 1 of its 13 questions and were left out, such as one of a.jsonl"
    assert told in warnings_of(context)


def test_a_preview_shows_them_before_anything_is_started(tmp_path: Path) -> None:
    found = preview(contexts(tmp_path, [*CLEAN, PLANTED]).config, 100)
    step = next(step for step in found.report.steps if step.name == "decontaminate")
    assert step.dropped_by_rule == {"quiz": 1}
    assert "quiz" in found.reasons["decontaminate quiz"]


@pytest.mark.parametrize(("mode", "searched"), [("report", True), ("ignore", False)])
def test_documents_are_only_searched_or_not_even_that(
    tmp_path: Path, mode: str, *, searched: bool
) -> None:
    context = contexts(tmp_path, [*CLEAN, PLANTED], contaminatedTexts=mode)
    report, documents = made(context)
    assert documents == sorted([*CLEAN, PLANTED])
    assert [(each.texts, each.removed) for each in report.contamination] == [(1, False)] * searched
    assert ("are trained on" in warnings_of(context)) == searched


def test_other_questions_make_other_documents_and_other_tasks_leave_them(tmp_path: Path) -> None:
    texts = [*CLEAN, PLANTED]
    context = contexts(tmp_path, texts)
    before = made(contexts(tmp_path, texts, tasks=[]))
    marker = context.workspace.documents / "complete.json"
    without_questions = marker.read_text()
    made(contexts(tmp_path, texts, contaminatedTexts="ignore"))
    assert marker.read_text() == without_questions
    report, documents = made(context)
    assert marker.read_text() != without_questions
    assert (len(documents), len(before[1])) == (6, 7)
    assert report.contamination


def test_a_task_that_cannot_be_read_stops_the_job_before_its_documents_are_made(
    tmp_path: Path,
) -> None:
    context = contexts(tmp_path, CLEAN)
    rows = tmp_path / "inputs" / "quiz" / "rows.jsonl"
    rows.write_text(json.dumps(ROWS[0]) + '\n{"question": "What?"}')
    with pytest.raises(UserError, match=r"evaluate\.tasks: quiz: its question 1 cannot be written"):
        made(context)


def conversation(question: str, answer: str) -> dict[str, Any]:
    return {
        "messages": [
            {"role": "user", "content": question},
            {"role": "assistant", "content": answer},
        ]
    }


def answers(context: StageContext) -> list[str]:
    """What the assistant says in the conversations that are learned from and held out."""
    folder = context.workspace.conversations
    tokenizer = load_tokenizer(folder / "tokenizer")
    said = []
    for side in ("train", "validation"):
        samples = PackedSequences.open(folder / side)
        labels = samples.batch(range(len(samples))).labels
        said += tokenizer.decode(labels[labels >= 0]).split("<|im_end|>")[:-1]
    return sorted(said)


def finetuning(folder: Path, planted: dict[str, Any], evaluate: dict[str, Any]) -> StageContext:
    """A fine-tuning stage with a few conversations, the fourth of which is given."""
    rows = [conversation(f"What is {number}?", f"It is {number}.") for number in range(6)]
    rows.insert(3, planted)
    (folder / "inputs").mkdir(exist_ok=True)
    (folder / "inputs" / "chats.jsonl").write_text("\n".join(map(json.dumps, rows)))
    save_tiny(folder / "inputs" / "model")
    data = {"sources": [{"files": {"paths": ["*.jsonl"]}}], "validationFraction": 0.3}
    return stage_context(
        "finetune",
        folder,
        model={"initFrom": "model"},
        data={"sources": [{"pythonDocs": {}}]},
        finetune={"data": data, "sequenceLength": 64, "batchTokens": 64},
        evaluate=evaluate,
    )


def test_a_question_in_a_conversation_is_named_and_the_conversation_left_out(
    tmp_path: Path,
) -> None:
    asked, right = str(ROWS[4]["question"]).split(" the harbour ")
    planted = conversation(f"{asked}:", f"the harbour {right} In 1854.")
    task = write_quiz(tmp_path / "inputs", ROWS)
    context = finetuning(tmp_path, planted, {"tasks": [task], "bitsPerByte": False})
    FINETUNE_STAGE.work(context)
    assert answers(context) == [f"It is {number}." for number in range(6)]
    (quiz,) = contamination_of(context)
    assert (quiz.kind, quiz.texts, len(quiz.found)) == ("conversations", 1, 1)
    assert quiz.examples[0].source.endswith("chats.jsonl: line 4")
    assert "1 conversations hold 1 of its 13 questions and were left out" in warnings_of(context)


def contamination_of(context: StageContext) -> tuple[TaskContamination, ...]:
    file = context.workspace.conversations_contamination
    return ContaminationReport.model_validate_json(file.read_bytes()).tasks


def test_a_conversation_about_a_held_out_document_is_left_out_where_its_passage_is_asked_for(
    tmp_path: Path,
) -> None:
    entries = [*harvest_part("calendar.py")]
    passage = max((entry.text for entry in entries), key=len)
    planted = conversation("What does it do?", passage)
    evaluate = {"tasks": [{"heldOutDocs": {"questions": 1000}}]}
    context = finetuning(tmp_path, planted, evaluate)
    save_tiny(context.workspace.model("initial"))
    with DocumentWriter(context.workspace.documents / "validation") as writer:
        for entry in entries:
            writer.write(entry.document, "test")
    FINETUNE_STAGE.work(context)
    assert answers(context) == [f"It is {number}." for number in range(6)]
    (asked,) = contamination_of(context)
    assert (asked.task, asked.texts) == ("heldOutDocs", 1)
