"""A job's metrics: a function of its status and the time, so they outlive the operator."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

from llmtrain_api.cost import Cost
from llmtrain_api.goodput import Goodput
from llmtrain_api.spec.job import LLMTrainingJob
from llmtrain_api.stages import StageGroup
from llmtrain_api.status import JobStatus, Phase, Progress
from llmtrain_operator.core.goodput.timeline import ratios, seconds_until
from llmtrain_operator.core.money.ledger import spent_usd, usd_per_hour
from llmtrain_operator.core.money.waste import wasted_usd
from llmtrain_operator.core.timestamps import read_time

_FAILURE_CLASSES = ("user", "application", "infrastructure", "preemption")


@dataclass(frozen=True)
class Sample:
    """One value.

    Attributes:
        name: of its metric.
        value: in the unit that the name says.
        labels: all but the job's own.
    """

    name: str
    value: float
    labels: tuple[str, ...] = ()


def job_samples(
    job: LLMTrainingJob, uid: str, created: datetime, status: JobStatus, now: datetime
) -> Iterator[Sample]:
    """All samples of a job.

    Args:
        job: the manifest.
        uid: of the resource.
        created: when it was.
        status: as it was written last.
        now: the time of the scrape.
    """
    family = job.spec.model.family.value if job.spec.model and job.spec.model.family else ""
    labels = (uid, job.spec.policy.queue_name or "", family)
    yield Sample("llmtrain_job_info", 1, labels)
    yield Sample("llmtrain_job_created_timestamp_seconds", created.timestamp())
    yield from _state(status)
    yield Sample("llmtrain_job_gpus", _gpus(job, status))
    if status.progress is not None:
        yield from _progress(status.progress)
    if status.plan is not None:
        yield Sample("llmtrain_job_planned_mfu_ratio", status.plan.mfu)
    if status.goodput is not None:
        yield from _time(status.goodput, now)
    if status.cost is not None and status.goodput is not None:
        yield from _money(status.cost, status.goodput, now)
    if job.spec.policy.budget is not None:
        yield Sample("llmtrain_job_budget_usd", job.spec.policy.budget.max_usd)
    for result in status.evaluation:
        measured, error = (result.model, result.name), result.standard_error
        yield Sample("llmtrain_job_evaluation_result", result.value, measured)
        if error is not None:
            yield Sample("llmtrain_job_evaluation_standard_error", error, measured)


def _state(status: JobStatus) -> Iterator[Sample]:
    for phase in Phase:
        yield Sample("llmtrain_job_phase", phase is status.phase, (phase.value,))
    for reason in dict.fromkeys(condition.reason for condition in status.conditions):
        yield Sample("llmtrain_job_reason", 1, (reason,))
    for stage in status.stages:
        yield Sample("llmtrain_job_stage_state", 1, (stage.name.value, stage.state.value))
    for failure in _FAILURE_CLASSES:
        count = sum(getattr(stage.failures, failure) for stage in status.stages)
        yield Sample("llmtrain_job_failures_total", count, (failure,))
    if status.completion_time is not None:
        ended = read_time(status.completion_time).timestamp()
        yield Sample("llmtrain_job_completion_timestamp_seconds", ended)


def _gpus(job: LLMTrainingJob, status: JobStatus) -> int:
    """While a cluster with GPUs is asked for, or there."""
    cluster, trainers = status.cluster, job.spec.compute.trainers
    held = cluster is not None and not cluster.released and cluster.group is StageGroup.TRAINERS
    return trainers.replicas * trainers.gpus if held and not status.phase.terminal else 0


def _progress(progress: Progress) -> Iterator[Sample]:
    yield Sample("llmtrain_job_progress_ratio", progress.percent / 100)
    heartbeat = progress.heartbeat_time
    values = {
        "llmtrain_job_eta_seconds": progress.line_eta_seconds,
        "llmtrain_job_heartbeat_timestamp_seconds": heartbeat and read_time(heartbeat).timestamp(),
        "llmtrain_job_step": progress.step,
        "llmtrain_job_checkpoint_step": progress.checkpoint_step,
        "llmtrain_job_tokens": progress.tokens,
        "llmtrain_job_tokens_per_second": progress.tokens_per_second,
        "llmtrain_job_loss": progress.loss,
        "llmtrain_job_validation_bits_per_byte": progress.validation_bits_per_byte,
        "llmtrain_job_mfu_ratio": progress.mfu,
    }
    for name, value in values.items():
        if isinstance(value, int | float):
            yield Sample(name, value)


def _time(goodput: Goodput, now: datetime) -> Iterator[Sample]:
    seconds = seconds_until(goodput, now)
    for bucket, value in seconds.model_dump(by_alias=True).items():
        yield Sample("llmtrain_job_time_seconds", value, (bucket,))
    runtime, end_to_end = ratios(seconds)
    yield Sample("llmtrain_job_goodput_ratio", runtime, ("runtime",))
    yield Sample("llmtrain_job_goodput_ratio", end_to_end, ("endToEnd",))


def _money(cost: Cost, goodput: Goodput, now: datetime) -> Iterator[Sample]:
    yield Sample("llmtrain_job_spent_usd", float(spent_usd(cost.ledger, now)))
    yield Sample("llmtrain_job_price_usd_per_hour", float(usd_per_hour(cost.ledger)))
    yield Sample("llmtrain_job_wasted_usd", float(wasted_usd(cost.ledger, goodput, now)))
    yield Sample("llmtrain_job_unpriced_pods", cost.unpriced_pods)
    for stage in cost.by_stage:
        yield Sample("llmtrain_job_stage_cost_usd", float(stage.usd), (stage.stage.value,))
    for kind in cost.by_capacity_type:
        labels = (kind.capacity_type.value,)
        yield Sample("llmtrain_job_capacity_cost_usd", float(kind.usd), labels)
    known = {
        "llmtrain_job_forecast_usd": cost.forecast_usd,
        "llmtrain_job_planned_usd": cost.planned_usd,
        "llmtrain_job_usd_per_million_tokens": cost.usd_per_million_tokens,
    }
    for name, usd in known.items():
        if usd is not None:
            yield Sample(name, float(usd))
