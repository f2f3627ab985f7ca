"""The preview of a job's data: its steps on a few documents."""

from llmtrain_api.base import Record
from llmtrain_api.data_report import DataReport


class DataPreview(Record):
    """The data report on the first documents of each source, and what its rules mean."""

    report: DataReport
    reasons: dict[str, str]
    """Descriptions of dropped documents, by step and rule: `gopher minWords`."""
