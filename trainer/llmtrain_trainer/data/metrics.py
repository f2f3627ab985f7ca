"""The metrics of the data stage: the counts of its report, under names of their own."""

from llmtrain_api.data_report import DataReport, Size
from llmtrain_api.training_metrics import SCALARS_MAX_ITEMS, TrainingMetrics


def corpus_metrics(report: DataReport) -> TrainingMetrics:
    """Documents and bytes as far as they are counted: read, dropped by each step, kept.

    Args:
        report: the report on what was read so far; nothing is kept until the documents are written.
    """
    read = sum((source.received for source in report.by_source), Size())
    kept = report.train + report.validation
    fixed = {
        "documents/read": read.documents,
        "bytes/read": read.bytes,
        "documents/kept": kept.documents,
        "bytes/kept": kept.bytes,
        "rows/skipped": sum(source.bad_rows for source in report.by_source),
        "documents/contaminated": sum(task.texts for task in report.contamination),
    }
    steps = report.steps[: SCALARS_MAX_ITEMS - len(fixed)]
    dropped = {f"documents/dropped/{step.name}": step.dropped.documents for step in steps}
    return TrainingMetrics(scalars={**fixed, **dropped})
