"""Progress of the whole pipeline."""

from datetime import UTC, datetime
from typing import Any

from llmtrain_api.progress import ProgressReport
from llmtrain_api.stages import Stage
from llmtrain_api.status import ACTIVITY_MAX_LENGTH, JobPlan, Progress, StageState, StageStatus
from llmtrain_api.training_metrics import StatusMetrics, metric_fields
from llmtrain_lifecycle.status_text import write_time

_NOTHING_NOW: dict[str, Any] = {
    "activity": None,
    **{each.field: None for each in metric_fields(StatusMetrics) if each.metric.live},
}
"""Empty values of the fields that are valid only while an attempt runs."""
_LINKS = ("bus_bandwidth", "slowest_link_bandwidth", "slowest_rank", "slowest_node")
"""Fields that a worker group measures once, for all its attempts and stages."""


def pipeline_progress(
    stages: tuple[StageStatus, ...],
    current: StageStatus,
    report: ProgressReport | None,
    before: Progress | None,
    plan: JobPlan | None,
) -> Progress:
    """Progress of the job.

    Args:
        stages: all stages.
        current: the current stage, or the one that has just succeeded.
        report: report of the current attempt; None if none could be read.
        before: progress of the last reconcile, which stands without a report.
        plan: plan of the job, if known.
    """
    weights = _weights(stages, plan)
    known = _stage_progress(current, report, before)
    total = sum(weights[stage.name] for stage in stages)
    done = sum(
        weights[stage.name]
        for stage in stages
        if stage.state is StageState.SUCCEEDED and stage.name is not current.name
    )
    percent = 100 * (done + weights[current.name] * known.stage_percent / 100) / total
    # Computed once the job's remaining time is known.
    eta = before.pipeline_eta_seconds if before else None
    return known.replace(percent=round(percent, 1), pipeline_eta_seconds=eta)


def _weights(stages: tuple[StageStatus, ...], plan: JobPlan | None) -> dict[Stage, float]:
    """Weights of the stages; training stages share theirs by FLOPs, once known."""
    weights = {stage.name: stage.name.row.weight for stage in stages}
    optimizing = [stage for stage in weights if stage.optimizes]
    planned = plan.stages if plan else ()
    flops = {each.name: each.flops_per_token * each.tokens for each in planned if each.tokens}
    if any(stage not in flops for stage in optimizing):
        return weights
    together = sum(weights[stage] for stage in optimizing)
    total = sum(flops[stage] for stage in optimizing)
    return weights | {stage: together * flops[stage] / total for stage in optimizing}


def _stage_progress(
    current: StageStatus, report: ProgressReport | None, before: Progress | None
) -> Progress:
    """Progress of the stage, without its share of the pipeline."""
    if report is not None:
        known = _with_links_of(before, _going_on(_from_report(report), before))
    elif before is not None and before.stage is current.name:
        known = before
    else:
        known = _with_links_of(before, Progress(percent=0.0, stage=current.name, stage_percent=0.0))
    if current.state is StageState.SUCCEEDED:
        known = known.replace(stage_percent=100.0)
    if current.state in {StageState.PENDING, StageState.SUCCEEDED, StageState.FAILED}:
        # No attempt runs now.
        known = known.replace(**_NOTHING_NOW)
    return known


def _going_on(known: Progress, before: Progress | None) -> Progress:
    """Add values known before that the attempt has not reported yet.

    An attempt that resumes from a checkpoint reports its position with its first step.
    """
    if before is None or before.stage is not known.stage:
        return known
    if known.checkpoint_step is None:
        known = known.replace(checkpoint_step=before.checkpoint_step)
    if known.stage.optimizes and not known.stage_percent:
        known = known.replace(
            stage_percent=before.stage_percent,
            total_steps=known.total_steps or before.total_steps,
        )
    return known


def _with_links_of(before: Progress | None, known: Progress) -> Progress:
    """Add the links as they were measured before, unless they have been measured again."""
    if before is None or known.bus_bandwidth is not None:
        return known
    return known.replace(**{field: getattr(before, field) for field in _LINKS})


def _from_report(report: ProgressReport) -> Progress:
    measured: dict[str, Any] = {
        each.field: each.rounded_in(report) for each in metric_fields(StatusMetrics)
    }
    return Progress(
        percent=0.0,
        stage=report.stage,
        stage_percent=round(report.percent, 1),
        activity=report.activity[:ACTIVITY_MAX_LENGTH],
        heartbeat_time=_heartbeat(report.heartbeat),
        slowest_rank=report.slowest_rank,
        slowest_node=report.slowest_node,
        **measured,
    )


def _heartbeat(time: float) -> str:
    """The heartbeat, rounded to half a minute, since a heartbeat alone must not cause a write."""
    return write_time(datetime.fromtimestamp(time // 30 * 30, UTC))


def finished_progress(stages: tuple[StageStatus, ...], before: Progress | None) -> Progress:
    """Progress of a succeeded job.

    Args:
        stages: all stages.
        before: progress of the last reconcile.
    """
    done = Progress(percent=100.0, stage=stages[-1].name, stage_percent=100.0)
    return _with_links_of(before, done)
