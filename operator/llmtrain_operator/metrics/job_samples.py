"""Samples of a job: constant for one status, or changing with time."""

from collections.abc import Iterator
from datetime import datetime
from typing import Any, NamedTuple, Self

from llmtrain_api.cost import Cost, Ledger
from llmtrain_api.goodput import Activity, Goodput
from llmtrain_api.job import LLMTrainingJob
from llmtrain_api.metrics import JOB_METRICS
from llmtrain_api.stages import StageGroup
from llmtrain_api.status import JobStatus, Phase, Progress, StageState
from llmtrain_lifecycle.goodput import current_interval, ratios, seconds_until
from llmtrain_lifecycle.money.ledger import spent_usd, usd_per_hour
from llmtrain_lifecycle.money.waste import wasted_usd
from llmtrain_lifecycle.status_text import read_time
from llmtrain_operator.metrics.exposition import Sample


class LiveSamples(NamedTuple):
    """Inputs of the samples that change with time."""

    goodput: Goodput
    ledger: Ledger | None

    @classmethod
    def of(cls, status: JobStatus) -> Self | None:
        """Make the samples of a job; None before its first reconcile."""
        if status.goodput is None:
            return None
        return cls(status.goodput, status.cost.ledger if status.cost else None)

    @property
    def is_live(self) -> bool:
        """Whether any sample changes with time."""
        is_paid_for = self.ledger is not None and bool(self.ledger.open)
        return is_paid_for or current_interval(self.goodput) is not None

    def samples(self, now: datetime) -> Iterator[Sample]:
        """The samples at a time."""
        seconds = seconds_until(self.goodput, now)
        for bucket, value in seconds.model_dump(by_alias=True).items():
            yield Sample("llmtrain_job_time_seconds", value, (bucket,))
        runtime, end_to_end = ratios(seconds)
        yield Sample("llmtrain_job_goodput_ratio", runtime, ("runtime",))
        yield Sample("llmtrain_job_goodput_ratio", end_to_end, ("endToEnd",))
        if self.ledger is not None:
            yield Sample("llmtrain_job_spent_usd", float(spent_usd(self.ledger, now)))
            wasted = wasted_usd(self.ledger, self.goodput, now)
            yield Sample("llmtrain_job_wasted_usd", float(wasted))


def compact(status: dict[str, Any]) -> dict[str, Any]:
    """A status with its ended intervals summed up.

    They are most of a status, and a scrape needs only their sum.
    """
    goodput = status.get("goodput")
    if goodput is None:
        return status
    ended = [each for each in goodput.get("intervals", ()) if "end" in each]
    total = dict(goodput.get("earlier", {}))
    for interval in ended:
        for part, seconds in interval.get("seconds", {}).items():
            total[part] = total.get(part, 0) + seconds
    left = [each for each in goodput.get("intervals", ()) if "end" not in each]
    return {**status, "goodput": {**goodput, "earlier": total, "intervals": left}}


_FAILURE_CLASSES = ("user", "application", "infrastructure", "preemption")
_WITHOUT_COMPUTE = {Activity.QUEUED, Activity.SUSPENDED}


class Facts(NamedTuple):
    """Facts of a manifest that the samples show."""

    queue: str
    """Kueue's queue; empty if there is none."""
    family: str
    """Family of the model; empty if it is unknown."""
    gpus: int
    """GPUs of all trainers together."""
    budget_usd: float | None


def facts_of(job: LLMTrainingJob) -> Facts:
    """The facts of a manifest."""
    model, policy, trainers = job.spec.model, job.spec.policy, job.spec.compute.trainers
    return Facts(
        queue=policy.queue_name or "",
        family=model.family.value if model and model.family else "",
        gpus=trainers.replicas * trainers.gpus,
        budget_usd=policy.budget.max_usd if policy.budget else None,
    )


def lasting_samples(
    facts: Facts, uid: str, created: datetime, status: JobStatus
) -> Iterator[Sample]:
    """All samples that do not change with time.

    Args:
        facts: facts of the manifest.
        uid: UID of the resource.
        created: creation time of the resource.
        status: stored status.
    """
    yield Sample("llmtrain_job_info", 1, (uid, facts.queue, facts.family))
    yield Sample("llmtrain_job_created_timestamp_seconds", created.timestamp())
    yield from _state(status)
    yield Sample("llmtrain_job_gpus", facts.gpus if _holds_gpus(status) else 0)
    if status.progress is not None:
        yield from _progress(status.progress)
    if status.plan is not None:
        yield Sample("llmtrain_job_planned_mfu_ratio", status.plan.mfu)
    if status.cost is not None:
        yield from _money(status.cost)
    if facts.budget_usd is not None:
        yield Sample("llmtrain_job_budget_usd", facts.budget_usd)
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
        if stage.run.reason is not None and stage.state is not StageState.SUCCEEDED:
            yield Sample("llmtrain_job_stage_reason", 1, (stage.name.value, stage.run.reason))
    for failure in _FAILURE_CLASSES:
        count = sum(getattr(stage.run.failures, failure) for stage in status.stages)
        yield Sample("llmtrain_job_failures_total", count, (failure,))
    if status.completion_time is not None:
        ended = read_time(status.completion_time).timestamp()
        yield Sample("llmtrain_job_completion_timestamp_seconds", ended)


def _holds_gpus(status: JobStatus) -> bool:
    """Whether the job's Pods can hold GPUs: a job that waits in a queue or for room holds none."""
    cluster, current = status.cluster, _current_activity(status.goodput)
    asked = cluster is not None and not cluster.released and cluster.group is StageGroup.TRAINERS
    return asked and current is not None and current not in _WITHOUT_COMPUTE


def _current_activity(goodput: Goodput | None) -> Activity | None:
    current = current_interval(goodput)
    return current.activity if current else None


def _progress(progress: Progress) -> Iterator[Sample]:
    if progress.heartbeat_time is not None:
        heartbeat = read_time(progress.heartbeat_time).timestamp()
        yield Sample("llmtrain_job_heartbeat_timestamp_seconds", heartbeat)
    for metric in JOB_METRICS:
        value = metric.source.exported_from(progress) if metric.source else None
        if value is not None:
            yield Sample(metric.name, value)


def _money(cost: Cost) -> Iterator[Sample]:
    yield Sample("llmtrain_job_price_usd_per_hour", float(usd_per_hour(cost.ledger)))
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
