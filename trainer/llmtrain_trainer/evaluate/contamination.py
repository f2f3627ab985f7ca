"""The job's training texts as the evaluation sees them: searched for its questions or not."""

from collections.abc import Iterable, Iterator

from llmtrain_api.contamination import ContaminationReport, TaskContamination, TextKind
from llmtrain_api.data_report import DataReport
from llmtrain_trainer.completion import made_from
from llmtrain_trainer.evaluate.gates import HELD_OUT_DOCS
from llmtrain_trainer.questions import Question, questions_digest
from llmtrain_trainer.stage import StageContext


class TrainingTexts:
    """The training texts that this job has made, and what was found in them.

    Args:
        context: context of the stage.
    """

    def __init__(self, context: StageContext) -> None:
        workspace = context.workspace
        self._kinds: list[TextKind] = []
        self.reports: tuple[TaskContamination, ...] = ()
        if workspace.data_report.exists():
            self._kinds.append(TextKind.DOCUMENTS)
            report = DataReport.model_validate_json(workspace.data_report.read_bytes())
            self.reports += report.contamination
        if made_from(workspace.conversations) is not None:
            self._kinds.append(TextKind.CONVERSATIONS)
        if (file := workspace.conversations_contamination).exists():
            self.reports += ContaminationReport.model_validate_json(file.read_bytes()).tasks

    @property
    def questions(self) -> frozenset[str]:
        """Keys of the questions that were found in texts which were trained on."""
        return frozenset(key for each in self.reports if not each.removed for key in each.found)

    def unsearched(self, task: str, questions: Iterable[Question]) -> Iterator[str]:
        """Warnings about texts that were not searched for the questions of a task."""
        digest = questions_digest(questions)
        for kind in self._kinds:
            found = (each for each in self.reports if (each.task, each.kind) == (task, kind))
            searched = any(each.digest == digest for each in found)
            if not searched and (task, kind) != (HELD_OUT_DOCS, TextKind.DOCUMENTS):
                yield (
                    f"evaluate.tasks: {task}: the {kind} were made without a search for its "
                    "questions, and may hold them; a job that starts anew searches them"
                )
