"""The metrics of a stage. One annotated field here is one metric, wherever it is shown.

A metric is added with a field of `TrainingMetrics` (or of `StatusMetrics`, where the job's status
shows it too) and with the call that logs its value. Its docstring is its help; its `Metric` says
where it goes: step log, Prometheus, terminal, dashboard.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from typing import Annotated

from pydantic import BaseModel, BeforeValidator, Field, StringConstraints

from llmtrain_api.base import Record

SCALARS_MAX_ITEMS = 64

Count = Annotated[int, Field(ge=0, le=10**18)]
Rate = Annotated[float, Field(ge=0, le=1e18)]
UnixTime = Annotated[float, Field(ge=0, le=1e11)]
ScalarName = Annotated[str, StringConstraints(pattern=r"^[a-zA-Z][a-zA-Z0-9_./-]{0,63}$")]


def _finite(values: object) -> object:
    if not isinstance(values, Mapping):
        return values
    return {
        name: value
        for name, value in values.items()
        if not isinstance(value, float) or math.isfinite(value)
    }


Scalars = Annotated[
    Mapping[ScalarName, float], Field(max_length=SCALARS_MAX_ITEMS), BeforeValidator(_finite)
]
"""Values by name. What is not a finite number at a step is left out: training goes on."""


@dataclass(frozen=True)
class Panel:
    """A panel of the job's dashboard.

    Attributes:
        row: heading that it stands under: `Learning` or `Speed`.
        title: title of the panel.
        unit: in Grafana's words: `short`, `bytes`, `sci`.
        note: what to make of it; follows the metric's help.
    """

    row: str
    title: str
    unit: str = "short"
    note: str = ""


@dataclass(frozen=True)
class Metric:
    """Where the value of an annotated field goes, and in which form.

    Attributes:
        name: in Prometheus, behind `llmtrain_driver_` or `llmtrain_job_`; by default the field's.
        driver: whether the driver exports it, for the attempt that runs.
        job: whether the operator exports it, from the job's status.
        divisor: what the value is divided by for Prometheus: 100 makes a ratio of a percentage.
        step_log: whether the step log keeps it for every step.
        live: whether it holds only while an attempt works.
        digits: decimals in the job's status; None keeps all.
        terminal: format in the terminal's display, such as `loss {:.3f}`; empty where absent.
        panel: on the job's dashboard.
    """

    name: str = ""
    driver: bool = True
    job: bool = False
    divisor: int = 1
    step_log: bool = False
    live: bool = False
    digits: int | None = None
    terminal: str = ""
    panel: Panel | None = None


@dataclass(frozen=True)
class MetricField:
    """A field of a model that is a metric.

    Attributes:
        field: its name in the model.
        help: its description, in one line.
        metric: its annotation.
    """

    field: str
    help: str
    metric: Metric

    @property
    def name(self) -> str:
        """The name in Prometheus, without prefix."""
        return self.metric.name or self.field

    def value_in(self, model: BaseModel) -> float | None:
        """The value in a model that has the field; None where it is absent."""
        value: float | None = getattr(model, self.field)
        return value

    def exported_from(self, model: BaseModel) -> float | None:
        """The value in the unit of its Prometheus metric."""
        value = self.value_in(model)
        return None if value is None else value / self.metric.divisor

    def rounded_in(self, model: BaseModel) -> float | None:
        """The value with as many decimals as the job's status shows."""
        value, digits = self.value_in(model), self.metric.digits
        return value if value is None or digits is None else round(value, digits)


@cache
def metric_fields(model: type[BaseModel]) -> tuple[MetricField, ...]:
    """The metrics among the fields of a model, in order."""
    return tuple(
        MetricField(name, " ".join((field.description or "").split()), metric)
        for name, field in model.model_fields.items()
        for metric in field.metadata
        if isinstance(metric, Metric)
    )


class StatusMetrics(Record):
    """Measurements of a stage that the job's status shows."""

    step: Annotated[Count | None, Metric(job=True, step_log=True)] = None
    """Optimizer steps done in the stage."""
    total_steps: Annotated[Count | None, Metric(driver=False)] = None
    """Optimizer steps of the whole stage."""
    tokens: Annotated[Count | None, Metric(job=True)] = None
    """Tokens trained on in the stage, over all attempts; lost work does not count."""
    loss: Annotated[
        float | None,
        Metric(
            job=True,
            step_log=True,
            digits=4,
            terminal="loss {:.3f}",
            panel=Panel("Learning", "Training loss"),
        ),
    ] = None
    """Mean training loss of the newest step, in nats per token."""
    validation_bits_per_byte: Annotated[
        float | None,
        Metric(
            job=True,
            step_log=True,
            digits=4,
            terminal="{:.3f} bits/byte",
            panel=Panel("Learning", "Validation", note="It is comparable between tokenizers."),
        ),
    ] = None
    """Newest loss on held-out text, in bits per UTF-8 byte."""
    tokens_per_second: Annotated[
        Rate | None,
        Metric(
            job=True,
            live=True,
            digits=4,
            terminal="{:,.0f} tokens/s",
            panel=Panel("Speed", "Tokens per second"),
        ),
    ] = None
    """Training speed over all workers, in tokens per second."""
    eta_seconds: Annotated[Rate | None, Metric(live=True)] = None
    """Time until the end of the stage, in seconds, by its speed so far."""
    mfu: Annotated[Rate | None, Metric("mfu_ratio", job=True, live=True, digits=4)] = None
    """Model FLOPs utilization, 0 to 1; absent on hardware of unknown peak."""
    clip_factor: Annotated[
        Rate | None,
        Metric(
            job=True,
            step_log=True,
            digits=4,
            panel=Panel("Learning", "Clipping", note="Far below 1 for long: it slows learning."),
        ),
    ] = None
    """Factor, 0 to 1, that clipping multiplied the newest step's gradient by; 1 leaves it as is."""
    checkpoint_step: Annotated[Count | None, Metric(job=True)] = None
    """Optimizer step of the newest committed checkpoint."""
    micro_batch_size: Annotated[
        Count | None,
        Metric(step_log=True, terminal="micro batch {}", panel=Panel("Speed", "Micro batch")),
    ] = None
    """Sequences in one forward pass of a worker, found or named."""
    bus_bandwidth: Annotated[
        Rate | None,
        Metric(
            "bus_bandwidth_bytes_per_second",
            job=True,
            digits=0,
            panel=Panel("Speed", "Bus bandwidth", "binBps", "Compare it with other jobs' there."),
        ),
    ] = None
    """Bus bandwidth of an all-reduce of all workers before the first step, in bytes per second."""
    slowest_link_bandwidth: Annotated[
        Rate | None,
        Metric(
            "slowest_link_bytes_per_second",
            job=True,
            digits=0,
            panel=Panel(
                "Speed",
                "Slowest link",
                "binBps",
                "The job's status names the slowest worker and its node.",
            ),
        ),
    ] = None
    """Bandwidth of the slowest link between neighbouring workers before the first step, in bytes
    per second."""
    slowest_rank: Count | None = None
    """Worker whose links are the slowest, where they are below four fifths of the others' median:
    its rank, from 0."""
    slowest_node: Annotated[str, StringConstraints(max_length=253)] | None = None
    """Node of the worker whose links are the slowest."""


class TrainingMetrics(StatusMetrics):
    """All measurements of a stage. A field is absent where the stage has no such thing."""

    checkpoint_time: Annotated[UnixTime | None, Metric("checkpoint_timestamp_seconds")] = None
    """Unix time of the newest committed checkpoint, in seconds."""
    validation_loss: Annotated[float | None, Metric(driver=False, step_log=True)] = None
    """Newest loss on held-out text, in nats per token."""
    gradient_norm: Annotated[
        float | None,
        Metric(
            step_log=True,
            panel=Panel("Learning", "Gradient norm", note="It leaps before a loss explodes."),
        ),
    ] = None
    """Norm of the newest step's gradient, before clipping."""
    learning_rate: Annotated[
        float | None, Metric(step_log=True, panel=Panel("Learning", "Learning rate", "sci"))
    ] = None
    """Learning rate of the newest step."""
    memory_bytes: Annotated[Count | None, Metric(panel=Panel("Speed", "Memory", "bytes"))] = None
    """Most memory that rank 0 has held: of its GPU, or of the machine where it has none."""
    scalars: Scalars | None = None
    """Values under names of their own, for what needs no field: the newest of each name."""
