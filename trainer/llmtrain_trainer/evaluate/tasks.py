"""The tasks of the manifest: loaded before anything is measured, run on the last model."""

import logging
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from llmtrain_api.spec.evaluate import Task
from llmtrain_api.status import EvaluationResult
from llmtrain_trainer.errors import UserError
from llmtrain_trainer.evaluate.evaluated_model import EvaluatedModel
from llmtrain_trainer.evaluate.gates import HELD_OUT_DOCS
from llmtrain_trainer.evaluate.held_out_docs import METRIC, make_questions, write_task
from llmtrain_trainer.evaluate.lm_eval_tasks import LoadedTask, load_task, run_task
from llmtrain_trainer.stage import StageContext

_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class ReadyTask:
    """A task that can be run."""

    loaded: LoadedTask
    few_shot: int = 0
    limit: int | None = None
    chat_template: bool | None = False
    """Whether questions are written with the chat template; None where the model chats."""

    @property
    def name(self) -> str:
        """Name of the task."""
        return self.loaded.name

    def run(self, subject: EvaluatedModel, *, seed: int) -> list[EvaluationResult]:
        """Measure a model."""
        results = run_task(
            subject,
            self.loaded,
            few_shot=self.few_shot,
            limit=self.limit,
            seed=seed,
            as_chat=self._as_chat(subject),
        )
        if self.name == HELD_OUT_DOCS:
            return [_as_accuracy(result) for result in results]
        return results

    def _as_chat(self, subject: EvaluatedModel) -> bool:
        if self.chat_template and subject.tokenizer.chat_template is None:
            raise UserError(
                f"evaluate.tasks: {self.name}.chatTemplate: the tokenizer of the {subject.name} "
                "model has no chat template; remove the field"
            )
        return subject.chats if self.chat_template is None else self.chat_template


def load_tasks(
    tasks: Sequence[Task], texts: Sequence[str], scratch: Path, context: StageContext
) -> list[ReadyTask]:
    """Load all tasks.

    Args:
        tasks: tasks of the manifest.
        texts: the held-out documents.
        scratch: an empty folder, in use as long as the tasks are.
        context: context of the stage.

    Raises:
        UserError: a task cannot be loaded.
    """
    ready = []
    for number, task in enumerate(tasks):
        if task.held_out_docs is not None:
            folder = scratch / str(number)
            folder.mkdir()
            asked = task.held_out_docs.questions
            questions = make_questions(texts, asked)
            if len(questions) < asked:
                _log.warning(
                    "heldOutDocs: %d questions instead of %d, since the held-out documents yield "
                    "no more; raise data.validationFraction for more",
                    len(questions),
                    asked,
                )
            write_task(questions, folder)
            ready.append(ReadyTask(load_task(HELD_OUT_DOCS, folder, cache=scratch / "cache")))
        elif task.lm_eval is not None:
            section = task.lm_eval
            loaded = load_task(
                section.name,
                context.input_path(section.include),
                cache=context.workspace.hugging_face_cache,
                trusted=section.trust_task_code,
            )
            ready.append(ReadyTask(loaded, section.few_shot, section.limit, section.chat_template))
    return ready


def _as_accuracy(result: EvaluationResult) -> EvaluationResult:
    assert result.name == f"{HELD_OUT_DOCS}/{METRIC}", result.name
    return result.replace(name=f"{HELD_OUT_DOCS}/accuracy")
