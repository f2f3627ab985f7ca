"""What the planner expects of a job, and what has been learned since."""

from llmtrain_api.progress import ProgressReport
from llmtrain_api.spec.job import JobSpec
from llmtrain_api.status import JobPlan, JobStatus, PlannedStage
from llmtrain_operator.core.snapshot import Snapshot
from llmtrain_planner.errors import PlanError
from llmtrain_planner.plan import DEFAULT_MFU, PlanOptions, plan_job


def with_plan(spec: JobSpec, status: JobStatus, snapshot: Snapshot) -> JobStatus:
    """The status with the plan; planned once, and again when the conversations have been counted.

    Args:
        spec: of the job.
        status: that the pass decided on.
        snapshot: what it rested on.
    """
    plan = status.plan
    counted = (each.outcome.finetune_tokens for each in snapshot.submissions if each.outcome)
    tokens = next((count for count in counted if count is not None), None)
    if plan is None or (tokens is not None and plan.finetune_tokens is None):
        plan = _planned(spec, tokens)
    return status.model_copy(update={"plan": _measured(plan, snapshot.progress)})


def _planned(spec: JobSpec, finetune_tokens: int | None) -> JobPlan:
    try:
        plan = plan_job(spec, PlanOptions(finetune_tokens=finetune_tokens))
    except PlanError:  # the shape of a model that only the trainer can read
        return JobPlan(mfu=DEFAULT_MFU, finetune_tokens=finetune_tokens)
    stages = tuple(
        PlannedStage(
            name=stage.stage,
            flops_per_token=stage.flops_per_token,
            tokens=stage.tokens,
            duration_seconds=stage.duration_seconds,
        )
        for stage in plan.stages
    )
    return JobPlan(mfu=plan.hardware.mfu, finetune_tokens=finetune_tokens, stages=stages)


def _measured(plan: JobPlan, report: ProgressReport | None) -> JobPlan:
    stage = plan.stage(report.stage) if report else None
    if report is None or stage is None or report.tokens_per_second is None:
        return plan
    flops = report.tokens_per_second * stage.flops_per_token
    return plan.model_copy(update={"flops_per_second": flops})
