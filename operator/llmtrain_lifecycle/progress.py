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
"""The fields that hold only while an attempt works, empty."""


def pipeline_progress(
    stages: tuple[StageStatus, ...],
    current: StageStatus,
    report: ProgressReport | None,
    before: Progress | None,
    plan: JobPlan | None,
) -> Progress:
    """Progress of the job.

    Args:
        stages: all of them.
        current: the one that the job is at, or that has just succeeded.
        report: of the current attempt; None where none could be read.
        before: what was known at the last pass, which stands where there is no report.
        plan: of the job, as far as it is known.
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
    # Worked out anew once the job's time is known.
    eta = before.pipeline_eta_seconds if before else None
    return known.replace(percent=round(percent, 1), pipeline_eta_seconds=eta)


def _weights(stages: tuple[StageStatus, ...], plan: JobPlan | None) -> dict[Stage, float]:
    """The weight of each stage; those that optimize share theirs by their FLOPs, once known."""
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
    """What is known of the stage; its share of the pipeline is not computed yet."""
    if report is not None:
        known = _going_on(_from_report(report), before)
    elif before is not None and before.stage is current.name:
        known = before
    else:
        known = Progress(percent=0.0, stage=current.name, stage_percent=0.0)
    if current.state is StageState.SUCCEEDED:
        known = known.replace(stage_percent=100.0)
    if current.state in {StageState.PENDING, StageState.SUCCEEDED, StageState.FAILED}:
        # Nothing works at it now.
        known = known.replace(**_NOTHING_NOW)
    return known


def _going_on(known: Progress, before: Progress | None) -> Progress:
    """With what was known before of the stage, as far as the attempt has not told it yet.

    One that is to go on from a checkpoint tells where it is with its first step.
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
        **measured,
    )


def _heartbeat(time: float) -> str:
    """The last half minute in which there was one: a heartbeat alone is no news."""
    return write_time(datetime.fromtimestamp(time // 30 * 30, UTC))


def finished_progress(stages: tuple[StageStatus, ...]) -> Progress:
    """Progress of a job whose stages have all succeeded."""
    return Progress(percent=100.0, stage=stages[-1].name, stage_percent=100.0)
