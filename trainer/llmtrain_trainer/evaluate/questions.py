"""The questions of the manifest's tasks, for which training texts are searched."""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from llmtrain_api.spec.evaluate import ContaminatedTexts, LmEval
from llmtrain_trainer.errors import UserError
from llmtrain_trainer.evaluate.gates import HELD_OUT_DOCS
from llmtrain_trainer.evaluate.held_out_docs import Question as HeldOutQuestion
from llmtrain_trainer.evaluate.held_out_docs import make_questions
from llmtrain_trainer.evaluate.lm_eval_tasks import LoadedTask, load_task
from llmtrain_trainer.evaluate.task_code import task_code
from llmtrain_trainer.evaluate.text import held_out_texts
from llmtrain_trainer.questions import NO_QUESTIONS, Question, QuestionSet
from llmtrain_trainer.stage import StageContext


def task_questions(context: StageContext, *, documents_are_there: bool) -> QuestionSet:
    """The questions of all tasks.

    Args:
        context: context of the stage that makes training texts.
        documents_are_there: whether documents are held out already, about which `heldOutDocs` asks.

    Raises:
        UserError: a task cannot be loaded, or the held-out documents yield no question.
    """
    evaluate = context.config.evaluate
    if evaluate is None or evaluate.contaminated_texts is ContaminatedTexts.IGNORE:
        return NO_QUESTIONS
    found: list[Question] = []
    for task in evaluate.tasks:
        if task.lm_eval is not None:
            found += lm_eval_questions(load_section(task.lm_eval, context)).values()
        elif task.held_out_docs is not None and documents_are_there:
            made = make_questions(held_out_texts(context), task.held_out_docs.questions)
            found += map(held_out_question, made)
    return QuestionSet(
        tuple(found), removes_texts=evaluate.contaminated_texts is ContaminatedTexts.REMOVE
    )


def held_out_question(question: HeldOutQuestion) -> Question:
    """A question about a held-out document: its passage."""
    return Question(HELD_OUT_DOCS, (question.context + question.choices[question.answer],))


def load_section(section: LmEval, context: StageContext) -> LoadedTask:
    """The task of a section.

    Raises:
        UserError: it cannot be loaded.
    """
    return load_task(
        section.name,
        context.input_path(section.include),
        cache=context.workspace.hugging_face_cache,
        trusted=section.trust_task_code,
    )


def lm_eval_questions(loaded: LoadedTask) -> dict[tuple[str, int], Question]:
    """All questions of a task, by the name of its part and their number there.

    Raises:
        UserError: a question cannot be written.
    """
    questions = {}
    with task_code(loaded.name, trusted=loaded.trusted):
        for task in loaded.tasks:
            for number, row in enumerate(task.eval_docs):
                try:
                    texts = tuple(dict.fromkeys(_texts(task, row)))
                except Exception as error:  # templates and the task's functions raise anything
                    raise UserError(
                        f"evaluate.tasks: {loaded.name}: its question {number} cannot be written: "
                        f"{type(error).__name__}: {error}"
                    ) from error
                questions[task.task_name, number] = Question(loaded.name, texts)
    return questions


def _texts(task: Any, row: Mapping[str, object]) -> Iterator[str]:  # noqa: ANN401 - the harness's
    """The question with its right answer, and the fields of its row that it shows."""
    choices = task.doc_to_choice(row) if task.config.doc_to_choice is not None else []
    asked = " ".join(_shown(task.doc_to_text(row), choices))
    right = " ".join(_shown(task.doc_to_target(row), choices))
    whole = f"{asked} {right}".strip()
    yield whole
    yield from (text for text in _strings(row.values()) if text.strip() and text in whole)


def _shown(value: object, choices: list[str]) -> Iterator[str]:
    """The texts that a question or an answer stands for: it may be the number of a choice."""
    if isinstance(value, list | tuple):
        for each in value:
            yield from _shown(each, choices)
    elif isinstance(value, int) and 0 <= value < len(choices):
        yield str(choices[value])
    elif isinstance(value, str | int | float):
        yield str(value)
    else:
        raise TypeError(f"its text or answer is {value!r:.80}")


def _strings(values: Iterable[object]) -> Iterator[str]:
    """All texts in a row, at any depth."""
    for value in values:
        if isinstance(value, str):
            yield value
        elif isinstance(value, Mapping):
            yield from _strings(value.values())
        elif isinstance(value, list | tuple):
            yield from _strings(value)
