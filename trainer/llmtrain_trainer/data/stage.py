"""The data stage: documents from all sources, cleaned, filtered, deduplicated and split."""

import logging
from collections.abc import Mapping, Sequence
from pathlib import Path

from llmtrain_api.contamination import TaskContamination, TextKind
from llmtrain_api.data_report import DataReport
from llmtrain_api.progress import bounded_warnings
from llmtrain_api.spec.data import Data
from llmtrain_api.stages import Stage
from llmtrain_trainer.completion import fingerprint
from llmtrain_trainer.data.augmentation.copying import augmenters
from llmtrain_trainer.data.comparison import step_files
from llmtrain_trainer.data.contamination import counts, decontamination
from llmtrain_trainer.data.contamination.index import QuestionIndex
from llmtrain_trainer.data.corpus import CorpusMaker
from llmtrain_trainer.data.metrics import corpus_metrics
from llmtrain_trainer.data.sources.shards import SourceShard, shards
from llmtrain_trainer.data.step_files import StepFiles
from llmtrain_trainer.data.steps.registry import comparing_steps, reasons
from llmtrain_trainer.data.units import corpus_units
from llmtrain_trainer.data.warnings import warnings
from llmtrain_trainer.errors import UserError
from llmtrain_trainer.files import replace_file
from llmtrain_trainer.questions import NO_QUESTIONS, QuestionSet
from llmtrain_trainer.runner import Product, StageResult, asked_questions, runners
from llmtrain_trainer.software import software
from llmtrain_trainer.stage import StageContext
from llmtrain_trainer.units import sweep

_log = logging.getLogger(__name__)

CODE = ("control_tokens.py", "data", "models", "questions.py")
"""Our code that decides what documents look like."""
LIBRARIES = (
    "datasets",
    "emoji",
    "fasttext-predict",
    "fastwarc",
    "ftfy",
    "huggingface-hub",
    "numpy",
    "phonenumbers",
    "py3langid",
    "pyarrow",
    "pydantic",
    "psutil",
    "resiliparse",
    "safetensors",
    "symspellpy",
    "tokenizers",
    "torch",
    "trafilatura",
    "transformers",
    "xxhash",
    "zstandard",
)
"""The libraries that it imports."""


def documents(context: StageContext) -> Product:
    """The documents and the data report.

    Raises:
        UserError: a source or a task cannot be read, or no document is left.
        Interrupted: a stop was requested; finished units are left for the next attempt.
    """
    data = context.config.data
    assert data is not None, "the stage runs when its section is there"
    context.progress.update(percent=0, activity="looking for documents")
    work = shards(data.sources, context)
    section = data.documents_json()
    questions = asked_questions(context, documents_are_there=False)
    files = step_files(comparing_steps(data.steps), context)
    inputs = fingerprint(
        [
            section,
            *(each.shard.identity for each in work),
            *(each.identity for each in files.values()),
            *questions.identity,
            *_augmentation_identity(data, context),
        ]
    )
    home = context.workspace.units(Stage.DATA)

    def make(folder: Path) -> None:
        # Finished documents outlive a new version of llmtrain; half of them do not, for the other
        # half would be made by other code.
        units = sweep(home, fingerprint([inputs, software(CODE, LIBRARIES)]))
        report = make_corpus(work, context, units, folder, files=files, questions=questions)
        _require_documents(report, drop_reasons(data, report))
        replace_file(context.workspace.data_report, report.model_dump_json(indent=2) + "\n")

    report = context.workspace.data_report
    return Product(
        context.workspace.documents, make, inputs=lambda: inputs, files=(report,), units=home
    )


def make_corpus(
    work: Sequence[SourceShard],
    context: StageContext,
    home: Path,
    folder: Path,
    *,
    files: Mapping[str, StepFiles],
    questions: QuestionSet = NO_QUESTIONS,
) -> DataReport:
    """Clean, filter, deduplicate and split the documents of shards.

    Args:
        work: the shards, in order.
        context: the stage's.
        home: folder of finished units.
        folder: an empty one for the documents.
        files: what steps read, as `step_files` finds it.
        questions: questions that the documents are searched for.

    Raises:
        UserError: a source cannot be read.
        Interrupted: a stop was requested.
    """
    data = context.config.data
    assert data is not None, "there are shards"
    search = decontamination.prepare(questions, home / "questions")
    maker = CorpusMaker(corpus_units(work), data, home, context, files, search)
    report, found = maker.make(folder)
    return report.replace(contamination=_contamination(found, questions))


def conclude(context: StageContext) -> StageResult:
    """Warn about what was lost and what later stages will miss, whether it was made now or before.

    Raises:
        UserError: the documents are not what a later stage needs.
    """
    data = context.config.data
    assert data is not None, "the stage runs when its section is there"
    report = DataReport.model_validate_json(context.workspace.data_report.read_bytes())
    checks = (runner.check_documents for runner in runners(context.config))
    missed = [warning for check in checks if check for warning in check(context)]
    lost = warnings(report, drop_reasons(data, report))
    found = bounded_warnings([*missed, *lost, *counts.warnings(report.contamination)])
    for warning in found:
        _log.warning("%s", warning)
    context.progress.log(corpus_metrics(report))
    context.progress.update(warnings=found)
    context.progress.update(percent=100, activity="documents are ready")
    return StageResult()


def _augmentation_identity(data: Data, context: StageContext) -> list[str]:
    """The seed and the files that copies depend on; nothing where there are none.

    Raises:
        UserError: a file is missing.
    """
    if data.augment is None:
        return []
    states = (each.identity(context) for each in augmenters(data.augment).values())
    return [str(context.config.seed), *states]


def _contamination(found: counts.Counts, questions: QuestionSet) -> tuple[TaskContamination, ...]:
    return counts.reports(
        TextKind.DOCUMENTS, found, questions, QuestionIndex.of(questions.questions)
    )


def drop_reasons(data: Data, report: DataReport) -> dict[str, str]:
    """Descriptions of dropped documents, by step and rule."""
    tasks = [each.task for each in report.contamination]
    return {**reasons(data.steps), **decontamination.reasons(tasks)}


def _require_documents(report: DataReport, reasons_by_rule: Mapping[str, str]) -> None:
    if report.train.documents:
        return
    if not sum(size.documents for size in report.sources.values()):
        names = ", ".join(sorted(report.sources)[:5])
        raise UserError(f"the sources hold no documents: {names}", reason="NoDocuments")
    last = next(step for step in report.steps if not step.kept.documents)
    rules = ", ".join(
        f"{rule}: {count}, {reasons_by_rule[f'{last.name} {rule}']}"
        for rule, count in sorted(last.dropped_by_rule.items())
    )
    raise UserError(
        f"no document is left: the step {last.name} dropped the last {last.dropped.documents} "
        f"of {report.steps[0].received.documents} ({rules}); relax it in the manifest's list "
        "data.steps, or add data",
        reason="NoDocuments",
    )
