"""The data funnel: how many documents each step let through."""

from dataclasses import dataclass

from markupsafe import Markup

from llmtrain_api.data_report import DataReport, StepReport
from llmtrain_cli.report.charts.svg import percent, picture, tag


@dataclass(frozen=True)
class FunnelRow:
    """Documents and bytes after one corpus step."""

    name: str
    kept: str
    """Documents."""
    drawing: Markup
    """Shares of all documents: kept after this step, and dropped by it."""
    dropped: str
    bytes_dropped: str
    changed: str


def funnel(report: DataReport) -> tuple[FunnelRow, ...]:
    """One row for each corpus step, in order."""
    most = max((step.received.documents for step in report.steps), default=0)
    return tuple(_row(step, most) for step in report.steps)


def _row(step: StepReport, most: int) -> FunnelRow:
    received, dropped = step.received.documents, step.dropped.documents
    return FunnelRow(
        name=step.name,
        kept=f"{received - dropped:,}",
        drawing=_bar(step.name, received, dropped, most),
        dropped=f"{dropped:,}",
        bytes_dropped=f"{step.dropped.bytes:,}",
        changed=_changed(step),
    )


def _changed(step: StepReport) -> str:
    """Documents that the step changed, and what it replaced in them."""
    replaced = ", ".join(f"{kind} {count:,}" for kind, count in step.replaced_by_kind.items())
    return f"{step.changed_documents:,}" + (f" ({replaced})" if replaced else "")


def _bar(name: str, received: int, dropped: int, most: int) -> Markup:
    left, lost = (count / most if most else 0 for count in (received - dropped, dropped))
    return picture(
        tag("rect", class_="left", width=percent(left), height="100%"),
        tag("rect", class_="lost", x=percent(left), width=percent(lost), height="100%"),
        title=name,
        description=f"{received - dropped:,} of {most:,} documents are left, {dropped:,} dropped",
        class_="funnel",
    )
