"""Every metric that llmtrain exports: exporters, documents, alerts, dashboards follow this list.

The measurements of a stage are declared in `training_metrics`, and are part of these lists without
further ado. Names follow https://prometheus.io/docs/practices/naming/. Prometheus adds the label
`job` itself, so ours is called `name`.
"""

from dataclasses import dataclass
from enum import StrEnum

from pydantic import BaseModel

from llmtrain_api.progress import ProgressReport
from llmtrain_api.status import Progress
from llmtrain_api.training_metrics import MetricField, metric_fields

_JOB = ("namespace", "name")
_STAGE = ("name", "stage")


class Kind(StrEnum):
    """Prometheus type of a metric."""

    GAUGE = "gauge"
    """It goes up and down."""
    COUNTER = "counter"
    """It grows."""
    HISTOGRAM = "histogram"
    """It counts observations by size."""


class Exporter(StrEnum):
    """Process that exports a metric."""

    OPERATOR = "operator"
    """The operator, on its port `metrics`."""
    DRIVER = "driver"
    """The driver of a stage, on its head's port `progress`, while the stage runs."""


@dataclass(frozen=True)
class PrometheusMetric:
    """One metric, as Prometheus sees it.

    Attributes:
        name: as it is exported.
        help: one sentence, with the unit where the name does not say it.
        labels: names of the labels of its series.
        kind: how it behaves.
        exporter: who exports it.
        source: the field that its value is read from; None where code of its own makes it.
    """

    name: str
    help: str
    labels: tuple[str, ...] = _JOB
    kind: Kind = Kind.GAUGE
    exporter: Exporter = Exporter.OPERATOR
    source: MetricField | None = None


def _measured(exporter: Exporter, model: type[BaseModel]) -> tuple[PrometheusMetric, ...]:
    """The metrics of an exporter that are fields of the model that it reads."""
    is_driver = exporter is Exporter.DRIVER
    prefix, labels = ("llmtrain_driver_", _STAGE) if is_driver else ("llmtrain_job_", _JOB)
    return tuple(
        PrometheusMetric(prefix + each.name, each.help, labels, Kind.GAUGE, exporter, each)
        for each in metric_fields(model)
        if (each.metric.driver if is_driver else each.metric.job)
    )


JOB_METRICS = (
    PrometheusMetric(
        "llmtrain_job_info", "Always 1; what a job is.", (*_JOB, "uid", "queue", "family")
    ),
    PrometheusMetric(
        "llmtrain_job_phase", "1 for the phase that a job is in, 0 for others.", (*_JOB, "phase")
    ),
    PrometheusMetric(
        "llmtrain_job_reason", "Always 1; why a job is where it is.", (*_JOB, "reason")
    ),
    PrometheusMetric(
        "llmtrain_job_stage_state",
        "Always 1; where each stage of a job stands.",
        (*_JOB, "stage", "state"),
    ),
    PrometheusMetric(
        "llmtrain_job_stage_reason",
        "Always 1; how the newest attempt that ended did end, until its stage is done.",
        (*_JOB, "stage", "reason"),
    ),
    PrometheusMetric("llmtrain_job_created_timestamp_seconds", "When a job was created."),
    PrometheusMetric("llmtrain_job_completion_timestamp_seconds", "When a job ended."),
    PrometheusMetric(
        "llmtrain_job_heartbeat_timestamp_seconds", "Newest sign of work, to half a minute."
    ),
    *_measured(Exporter.OPERATOR, Progress),
    PrometheusMetric(
        "llmtrain_job_planned_mfu_ratio", "Model FLOPs utilization that the plan assumes."
    ),
    PrometheusMetric(
        "llmtrain_job_gpus", "GPUs of a job's cluster; 0 while it waits in a queue, or for room."
    ),
    PrometheusMetric(
        "llmtrain_job_failures_total",
        "Failed attempts.",
        (*_JOB, "class"),
        Kind.COUNTER,
    ),
    PrometheusMetric(
        "llmtrain_job_time_seconds",
        "A job's time from its creation on, by what it went into; work that is lost moves.",
        (*_JOB, "bucket"),
    ),
    PrometheusMetric(
        "llmtrain_job_goodput_ratio",
        "Share of productive time, 0 to 1: of the time with compute, and of the whole.",
        (*_JOB, "of"),
    ),
    PrometheusMetric("llmtrain_job_spent_usd", "What a job has cost."),
    PrometheusMetric("llmtrain_job_stage_cost_usd", "What each stage has cost.", (*_JOB, "stage")),
    PrometheusMetric(
        "llmtrain_job_capacity_cost_usd",
        "What each kind of machine has cost.",
        (*_JOB, "capacity_type"),
    ),
    PrometheusMetric(
        "llmtrain_job_wasted_usd", "Of it: lost work, starts after a failure, waiting."
    ),
    PrometheusMetric("llmtrain_job_price_usd_per_hour", "What a job costs now."),
    PrometheusMetric("llmtrain_job_forecast_usd", "What a job will have cost at its end."),
    PrometheusMetric("llmtrain_job_planned_usd", "What the plan expects of the stages that train."),
    PrometheusMetric("llmtrain_job_budget_usd", "What a job may cost."),
    PrometheusMetric("llmtrain_job_usd_per_million_tokens", "Of the stage that trains first."),
    PrometheusMetric("llmtrain_job_unpriced_pods", "Pods that no price is known for."),
    PrometheusMetric(
        "llmtrain_job_evaluation_result",
        "What the evaluate stage measured.",
        (*_JOB, "model", "metric"),
    ),
    PrometheusMetric(
        "llmtrain_job_evaluation_standard_error",
        "Of that, where it is a mean over samples.",
        (*_JOB, "model", "metric"),
    ),
)
"""Metrics of each job, from its status: they exist as long as the job does."""

OPERATOR_METRICS = (
    PrometheusMetric(
        "llmtrain_operator_build_info", "Always 1; the operator's version.", ("version",)
    ),
    PrometheusMetric("llmtrain_operator_jobs", "Jobs by phase.", ("phase",)),
    PrometheusMetric(
        "llmtrain_operator_reconcile_duration_seconds",
        "Duration of reconciles.",
        (),
        Kind.HISTOGRAM,
    ),
    PrometheusMetric(
        "llmtrain_operator_reconcile_errors_total",
        "Failed reconciles, which are repeated.",
        ("kind",),
        Kind.COUNTER,
    ),
    PrometheusMetric("llmtrain_operator_queue_jobs", "Jobs that wait for a reconcile.", ()),
    PrometheusMetric("llmtrain_operator_queue_oldest_seconds", "Longest wait in the queue.", ()),
    PrometheusMetric(
        "llmtrain_operator_watch_events_total",
        "Events that the watches have received.",
        ("kind",),
        Kind.COUNTER,
    ),
    PrometheusMetric(
        "llmtrain_operator_watch_age_seconds",
        "Time since a watch received its newest event.",
        ("kind",),
    ),
    PrometheusMetric("llmtrain_operator_resync_age_seconds", "Time since the last resync.", ()),
    PrometheusMetric(
        "llmtrain_operator_namespace_watched",
        "1 for a namespace of the operator's settings that it can read, 0 for one that is gone.",
        ("namespace",),
    ),
    PrometheusMetric(
        "llmtrain_operator_leads",
        "1 for the operator that reconciles, 0 for one that is ready to take over.",
        (),
    ),
    PrometheusMetric(
        "llmtrain_operator_api_requests_total",
        "Requests to the API server, those to Ray through it included.",
        ("method", "code"),
        Kind.COUNTER,
    ),
)
"""Metrics of the operator itself."""

DRIVER_METRICS = (
    PrometheusMetric(
        "llmtrain_driver_info",
        "Always 1; the attempt.",
        (*_STAGE, "attempt"),
        exporter=Exporter.DRIVER,
    ),
    *_measured(Exporter.DRIVER, ProgressReport),
    PrometheusMetric(
        "llmtrain_driver_scalar",
        "Values that the stage logs under names of their own.",
        (*_STAGE, "metric"),
        exporter=Exporter.DRIVER,
    ),
    PrometheusMetric(
        "llmtrain_driver_time_seconds_total",
        "What this attempt has done with its time.",
        (*_STAGE, "bucket"),
        Kind.COUNTER,
        Exporter.DRIVER,
    ),
)
"""Metrics of an attempt while it runs, every second."""

METRICS = (*JOB_METRICS, *OPERATOR_METRICS, *DRIVER_METRICS)
