"""News of a stage, on its way from the process that measures to the driver's report."""

from typing import Any, TypedDict

from llmtrain_api.goodput import WorkSeconds
from llmtrain_api.progress import joined_warnings
from llmtrain_api.training_metrics import TrainingMetrics

_MEASURED = set(TrainingMetrics.model_fields)

Changes = dict[str, Any]
"""Fields of a progress report that have changed, as JSON."""


class StageChanges(TypedDict, total=False):
    """What a stage says of its work, beside what it measures."""

    percent: float
    activity: str
    warnings: tuple[str, ...]
    """They are added to those before."""
    work: WorkSeconds


def changes_of_stage(news: StageChanges) -> Changes:
    """The changes as JSON."""
    changes: Changes = {**news}
    if "work" in news:
        changes["work"] = news["work"].model_dump(by_alias=False)
    return changes


def changes_of_metrics(measured: TrainingMetrics) -> Changes:
    """The fields that were set, as JSON; what a subclass adds is no part of a report."""
    return measured.model_dump(mode="json", by_alias=False, exclude_unset=True, include=_MEASURED)


def merged(older: Changes, newer: Changes) -> Changes:
    """The newest value of each field; warnings and scalars add up."""
    together = {**older, **newer}
    warnings = joined_warnings(older.get("warnings", ()), newer.get("warnings", ()))
    if warnings:
        together["warnings"] = warnings
    scalars = {**(older.get("scalars") or {}), **(newer.get("scalars") or {})}
    if scalars:
        together["scalars"] = scalars
    return together
