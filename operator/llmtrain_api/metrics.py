"""Every metric that llmtrain exports: exporters, documents, alerts, dashboards follow this list.

Names follow https://prometheus.io/docs/practices/naming/. Prometheus adds the label `job` itself,
so ours is called `name`.
"""

from dataclasses import dataclass
from enum import StrEnum

_JOB = ("namespace", "name")
_STAGE = ("name", "stage")


class Kind(StrEnum):
    """How a metric behaves."""

    GAUGE = "gauge"
    """It goes up and down."""
    COUNTER = "counter"
    """It grows."""
    HISTOGRAM = "histogram"
    """It counts observations by size."""


class Exporter(StrEnum):
    """Who exports it."""

    OPERATOR = "operator"
    """The operator, on its port `metrics`."""
    DRIVER = "driver"
    """The driver of a stage, on its head's port `progress`, while the stage runs."""


@dataclass(frozen=True)
class Metric:
    """One metric.

    Attributes:
        name: as it is exported.
        help: one sentence, with the unit where the name does not say it.
        labels: that each of its series has.
        kind: how it behaves.
        exporter: who exports it.
    """

    name: str
    help: str
    labels: tuple[str, ...] = _JOB
    kind: Kind = Kind.GAUGE
    exporter: Exporter = Exporter.OPERATOR


JOB_METRICS = (
    Metric("llmtrain_job_info", "Always 1; what a job is.", (*_JOB, "uid", "queue", "family")),
    Metric(
        "llmtrain_job_phase", "1 for the phase that a job is in, 0 for others.", (*_JOB, "phase")
    ),
    Metric("llmtrain_job_reason", "Always 1; why a job is where it is.", (*_JOB, "reason")),
    Metric(
        "llmtrain_job_stage_state",
        "Always 1; where each stage of a job stands.",
        (*_JOB, "stage", "state"),
    ),
    Metric(
        "llmtrain_job_stage_reason",
        "Always 1; how the newest attempt that ended did end, until its stage is done.",
        (*_JOB, "stage", "reason"),
    ),
    Metric("llmtrain_job_created_timestamp_seconds", "When a job was created."),
    Metric("llmtrain_job_completion_timestamp_seconds", "When a job ended."),
    Metric("llmtrain_job_progress_ratio", "How far a job is, 0 to 1."),
    Metric("llmtrain_job_eta_seconds", "Until the end of a job, by its speed so far."),
    Metric("llmtrain_job_heartbeat_timestamp_seconds", "Newest sign of work, to half a minute."),
    Metric("llmtrain_job_step", "Optimizer steps done in the stage that runs."),
    Metric("llmtrain_job_checkpoint_step", "Optimizer step of the newest committed checkpoint."),
    Metric("llmtrain_job_tokens", "Tokens trained on in the stage that runs."),
    Metric("llmtrain_job_tokens_per_second", "Over all workers."),
    Metric("llmtrain_job_loss", "Mean training loss of the newest step, in nats per token."),
    Metric("llmtrain_job_validation_bits_per_byte", "Newest loss on held-out text."),
    Metric("llmtrain_job_mfu_ratio", "Model FLOPs utilization, 0 to 1."),
    Metric("llmtrain_job_planned_mfu_ratio", "Model FLOPs utilization that the plan assumes."),
    Metric(
        "llmtrain_job_gpus", "GPUs of a job's cluster; 0 while it waits in a queue, or for room."
    ),
    Metric(
        "llmtrain_job_failures_total",
        "Failed attempts.",
        (*_JOB, "class"),
        Kind.COUNTER,
    ),
    Metric(
        "llmtrain_job_time_seconds",
        "A job's time from its creation on, by what it went into; work that is lost moves.",
        (*_JOB, "bucket"),
    ),
    Metric(
        "llmtrain_job_goodput_ratio",
        "Share of productive time, 0 to 1: of the time with compute, and of the whole.",
        (*_JOB, "of"),
    ),
    Metric("llmtrain_job_spent_usd", "What a job has cost."),
    Metric("llmtrain_job_stage_cost_usd", "What each stage has cost.", (*_JOB, "stage")),
    Metric(
        "llmtrain_job_capacity_cost_usd",
        "What each kind of machine has cost.",
        (*_JOB, "capacity_type"),
    ),
    Metric("llmtrain_job_wasted_usd", "Of it: lost work, starts after a failure, waiting."),
    Metric("llmtrain_job_price_usd_per_hour", "What a job costs now."),
    Metric("llmtrain_job_forecast_usd", "What a job will have cost at its end."),
    Metric("llmtrain_job_planned_usd", "What the plan expects of the stages that train."),
    Metric("llmtrain_job_budget_usd", "What a job may cost."),
    Metric("llmtrain_job_usd_per_million_tokens", "Of the stage that trains first."),
    Metric("llmtrain_job_unpriced_pods", "Pods that no price is known for."),
    Metric(
        "llmtrain_job_evaluation_result",
        "What the evaluate stage measured.",
        (*_JOB, "model", "metric"),
    ),
    Metric(
        "llmtrain_job_evaluation_standard_error",
        "Of that, where it is a mean over samples.",
        (*_JOB, "model", "metric"),
    ),
)
"""Of each job, from its status: they are there as long as the job is."""

OPERATOR_METRICS = (
    Metric("llmtrain_operator_build_info", "Always 1; the operator's version.", ("version",)),
    Metric("llmtrain_operator_jobs", "Jobs by phase.", ("phase",)),
    Metric(
        "llmtrain_operator_reconcile_duration_seconds",
        "How long passes take.",
        (),
        Kind.HISTOGRAM,
    ),
    Metric(
        "llmtrain_operator_reconcile_errors_total",
        "Passes that failed and are made again.",
        ("kind",),
        Kind.COUNTER,
    ),
    Metric("llmtrain_operator_queue_jobs", "Jobs that wait for a pass.", ()),
    Metric("llmtrain_operator_queue_oldest_seconds", "How long the first of them has waited.", ()),
    Metric(
        "llmtrain_operator_watch_events_total",
        "What the watches have told.",
        ("kind",),
        Kind.COUNTER,
    ),
    Metric(
        "llmtrain_operator_watch_age_seconds",
        "Since a watch has told something last.",
        ("kind",),
    ),
    Metric("llmtrain_operator_resync_age_seconds", "Since the last look at everything.", ()),
    Metric(
        "llmtrain_operator_namespace_watched",
        "1 for a namespace of the operator's settings that it can read, 0 for one that is gone.",
        ("namespace",),
    ),
    Metric(
        "llmtrain_operator_api_requests_total",
        "Requests to the API server, those to Ray through it included.",
        ("method", "code"),
        Kind.COUNTER,
    ),
)
"""Of the operator itself."""

DRIVER_METRICS = tuple(
    Metric(name, text, labels, kind, Exporter.DRIVER)
    for name, text, labels, kind in (
        ("llmtrain_driver_info", "Always 1; the attempt.", (*_STAGE, "attempt"), Kind.GAUGE),
        ("llmtrain_driver_progress_ratio", "Of the stage, 0 to 1.", _STAGE, Kind.GAUGE),
        (
            "llmtrain_driver_heartbeat_timestamp_seconds",
            "Newest sign of work.",
            _STAGE,
            Kind.GAUGE,
        ),
        ("llmtrain_driver_step", "Optimizer steps done.", _STAGE, Kind.GAUGE),
        ("llmtrain_driver_loss", "Of the newest step, in nats per token.", _STAGE, Kind.GAUGE),
        (
            "llmtrain_driver_validation_bits_per_byte",
            "Newest loss on held-out text.",
            _STAGE,
            Kind.GAUGE,
        ),
        ("llmtrain_driver_tokens", "Trained on, over all attempts.", _STAGE, Kind.GAUGE),
        ("llmtrain_driver_tokens_per_second", "Over all workers.", _STAGE, Kind.GAUGE),
        ("llmtrain_driver_mfu_ratio", "Model FLOPs utilization, 0 to 1.", _STAGE, Kind.GAUGE),
        ("llmtrain_driver_gradient_norm", "Before clipping.", _STAGE, Kind.GAUGE),
        ("llmtrain_driver_learning_rate", "Of the newest step.", _STAGE, Kind.GAUGE),
        ("llmtrain_driver_memory_bytes", "The most that rank 0 has held.", _STAGE, Kind.GAUGE),
        ("llmtrain_driver_eta_seconds", "Until the end of the stage.", _STAGE, Kind.GAUGE),
        (
            "llmtrain_driver_checkpoint_step",
            "Of the newest committed checkpoint.",
            _STAGE,
            Kind.GAUGE,
        ),
        (
            "llmtrain_driver_checkpoint_timestamp_seconds",
            "When that was committed.",
            _STAGE,
            Kind.GAUGE,
        ),
        (
            "llmtrain_driver_time_seconds_total",
            "What this attempt has done with its time.",
            (*_STAGE, "bucket"),
            Kind.COUNTER,
        ),
    )
)
"""Of an attempt while it runs, every second."""

METRICS = (*JOB_METRICS, *OPERATOR_METRICS, *DRIVER_METRICS)
