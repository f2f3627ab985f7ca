"""Charts of loss and speed of a training stage."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from markupsafe import Markup

from llmtrain_api.records import StepRecord
from llmtrain_cli.report.charts.line_chart import Axis, Series, line_chart, thinned
from llmtrain_cli.text import amount

_STEP = Axis("step", lambda value: f"{value:,.0f}")


@dataclass(frozen=True)
class Chart:
    """A chart and its heading."""

    title: str
    drawing: Markup


def charts(stage: str, records: Sequence[StepRecord], *, batch_tokens: int) -> tuple[Chart, ...]:
    """Loss in nats per label, and speed in tokens per second over all workers.

    Args:
        stage: the training stage.
        records: its step records, in the order of writing.
        batch_tokens: tokens of an optimizer step.
    """
    losses = (("train", "first", _loss), ("validation", "second", _validation_loss))
    drawn = []
    lines = [
        Series(name, style, thinned(values), dotted=style == "second")
        for name, style, read in losses
        if (values := _curve(records, read))
    ]
    if lines:
        title = f"Loss, {stage}"
        axis = Axis("nats per token", lambda value: f"{value:.3g}")
        drawn.append(Chart(title, line_chart(title, lines, x=_STEP, y=axis)))
    if speeds := _curve(records, lambda r: batch_tokens / r.seconds if r.seconds else None):
        title = f"Speed, {stage}"
        axis = Axis("tokens per second", amount)
        speed = Series("speed", "first", thinned(speeds))
        drawn.append(Chart(title, line_chart(title, [speed], x=_STEP, y=axis)))
    return tuple(drawn)


def _loss(record: StepRecord) -> float | None:
    return record.loss


def _validation_loss(record: StepRecord) -> float | None:
    return record.validation_loss


def _curve(
    records: Sequence[StepRecord], read: Callable[[StepRecord], float | None]
) -> list[tuple[float, float]]:
    """Points of a curve; of a repeated step the newer value counts."""
    newest = {r.step: value for r in records if (value := read(r)) is not None}
    return sorted((float(step), value) for step, value in newest.items())
