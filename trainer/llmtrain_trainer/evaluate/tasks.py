"""The tasks of the manifest: loaded before anything is measured, run on the last model."""

import logging
from collections.abc import Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field
from pathlib import Path

from llmtrain_api.spec.evaluate import ContaminatedTexts, Task
from llmtrain_api.status import EvaluationResult
from llmtrain_trainer.errors import UserError
from llmtrain_trainer.evaluate.evaluated_model import EvaluatedModel
from llmtrain_trainer.evaluate.gates import HELD_OUT_DOCS
from llmtrain_trainer.evaluate.held_out_docs import METRIC, make_questions, write_task
from llmtrain_trainer.evaluate.lm_eval_tasks import LoadedTask, load_task, run_task
from llmtrain_trainer.evaluate.questions import (
    held_out_question,
    lm_eval_questions,
    load_section,
)
from llmtrain_trainer.questions import Question
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
    questions: Mapping[tuple[str, int], Question] = field(default_factory=dict)
    """Its questions, by the name of its part and their number, unless training texts may hold
    them."""

    @property
    def name(self) -> str:
        """Name of the task."""
        return self.loaded.name

    def run(
        self, subject: EvaluatedModel, *, seed: int, trained_on: AbstractSet[str] = frozenset()
    ) -> list[EvaluationResult]:
        """Measure a model.

        Args:
            subject: the model.
            seed: seed of all random choices.
            trained_on: keys of questions in its training texts, without which metrics are also
                given.
        """
        results = run_task(
            subject,
            self.loaded,
            few_shot=self.few_shot,
            limit=self.limit,
            seed=seed,
            as_chat=self._as_chat(subject),
            left_out={place for place, each in self.questions.items() if each.key in trained_on},
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
    evaluate = context.config.evaluate
    ignored = evaluate is None or evaluate.contaminated_texts is ContaminatedTexts.IGNORE
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
            asked_for = {(HELD_OUT_DOCS, n): held_out_question(q) for n, q in enumerate(questions)}
            loaded = load_task(HELD_OUT_DOCS, folder, cache=scratch / "cache")
            ready.append(ReadyTask(loaded, questions={} if ignored else asked_for))
        elif task.lm_eval is not None:
            section = task.lm_eval
            loaded = load_section(section, context)
            ready.append(
                ReadyTask(
                    loaded,
                    section.few_shot,
                    section.limit,
                    section.chat_template,
                    {} if ignored else lm_eval_questions(loaded),
                )
            )
    return ready


def _as_accuracy(result: EvaluationResult) -> EvaluationResult:
    whole, ending = f"{HELD_OUT_DOCS}/{METRIC}", result.name.partition(METRIC)[2]
    assert result.name == whole + ending, result.name
    return result.replace(name=f"{HELD_OUT_DOCS}/accuracy{ending}")
