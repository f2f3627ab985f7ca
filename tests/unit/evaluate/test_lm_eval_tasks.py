"""A user's task: its code runs only where it is trusted, and a chat model is asked as a chat."""

import json
from pathlib import Path
from typing import Any

import pytest
import yaml
from support.later_stage_context import stage_context
from support.tiny_model import save_tiny, tiny_tokenizer

from llmtrain_api.spec.evaluate import LmEval, Task
from llmtrain_api.stages import Stage
from llmtrain_trainer.conversations.template import ensure_chat_template
from llmtrain_trainer.errors import UserError
from llmtrain_trainer.evaluate.evaluated_model import EvaluatedModel, load_evaluated_model
from llmtrain_trainer.evaluate.tasks import ReadyTask, load_tasks
from llmtrain_trainer.models.pipeline import StoredModel

_CODE = """
from pathlib import Path
Path(__file__).with_suffix(".ran").touch()

def process_docs(docs):
    return docs
"""
_METRIC = {"aggregation": "mean", "higher_is_better": True}


def quiz(folder: Path, **section: Any) -> ReadyTask:
    """A task of six questions, loaded; its folder holds code too.

    Args:
        folder: the inputs folder.
        section: `task={...}` changes the task's file; the rest is the manifest's.
    """
    where = folder / "quiz"
    where.mkdir(exist_ok=True)
    rows = [{"q": f"{n}?", "choices": ["a", "b"], "right": n % 2} for n in range(6)]
    (where / "rows.jsonl").write_text("\n".join(map(json.dumps, rows)))
    (where / "own.py").write_text(_CODE)
    task = {
        "task": "quiz",
        "dataset_path": "json",
        "dataset_kwargs": {"data_files": {"test": "rows.jsonl"}},
        "test_split": "test",
        "output_type": "multiple_choice",
        "doc_to_text": "q",
        "doc_to_choice": "choices",
        "doc_to_target": "right",
        "metric_list": [{"metric": "acc", **_METRIC}],
    }
    text = yaml.safe_dump(task | section.pop("task", {})).replace("'FUNCTION'", "!function own")
    (where / "quiz.yaml").write_text(text.replace("FUNCTION", "!function own"))
    task_section = Task(lm_eval=LmEval(name="quiz", include="quiz", **section))
    context = stage_context(folder, Stage.EVALUATE, evaluate={})
    (ready,) = load_tasks([task_section], [], folder, context)
    return ready


@pytest.mark.parametrize(
    ("task", "what"),
    [
        ({"process_docs": "FUNCTION.process_docs"}, r"the function own\.process_docs"),
        ({"metric_list": [{"metric": "./quiz/own.py", **_METRIC}]}, r"the metric \./quiz/own\.py"),
    ],
)
def test_code_is_run_only_where_it_is_trusted(
    tmp_path: Path, task: dict[str, Any], what: str
) -> None:
    with pytest.raises(UserError, match=rf"quiz runs code .*: {what}; .*trustTaskCode: true") as no:
        quiz(tmp_path, task=task)
    assert no.value.reason == "UntrustedCode"
    assert not (tmp_path / "quiz" / "own.ran").exists()


def test_trusted_code_is_run(tmp_path: Path) -> None:
    quiz(tmp_path, task={"process_docs": "FUNCTION.process_docs"}, trust_task_code=True)
    assert (tmp_path / "quiz" / "own.ran").exists()


def test_a_template_stays_in_its_sandbox(tmp_path: Path) -> None:
    template = "{{ q.__class__.__mro__ }}"
    with pytest.raises(UserError, match="a template for which access to attribute '__class__'"):
        quiz(tmp_path, task={"doc_to_text": template}).run(_subject(tmp_path), seed=0)


@pytest.mark.parametrize(("chat_template", "as_chat"), [(None, True), (False, False)])
def test_a_chat_model_is_asked_as_a_chat(
    tmp_path: Path, *, chat_template: bool | None, as_chat: bool
) -> None:
    subject = _subject(tmp_path)
    asked: list[str] = []
    subject.model.register_forward_pre_hook(
        lambda _, inputs: asked.extend(subject.tokenizer.batch_decode(inputs[0]))
    )
    results = quiz(tmp_path, chat_template=chat_template, limit=2).run(subject, seed=0)
    assert [result.name for result in results] == ["quiz/acc"]
    assert asked
    assert all(text.startswith("<|im_start|>user\n") == as_chat for text in asked)


def test_a_model_without_a_template_is_asked_in_plain_text(tmp_path: Path) -> None:
    subject = load_evaluated_model(StoredModel("initial", save_tiny(tmp_path / "model")))
    assert quiz(tmp_path, limit=2).run(subject, seed=0)
    with pytest.raises(UserError, match=r"quiz\.chatTemplate: .* has no chat template"):
        quiz(tmp_path, chat_template=True).run(subject, seed=0)


def _subject(folder: Path) -> EvaluatedModel:
    """A model that chats."""
    tokenizer = tiny_tokenizer()
    ensure_chat_template(tokenizer)
    return load_evaluated_model(
        StoredModel("finetuned", save_tiny(folder / "model", tokenizer=tokenizer))
    )
