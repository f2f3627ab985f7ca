"""The plan of a job, updated with what is learned while it runs."""

from llmtrain_api.job import JobSpec
from llmtrain_api.plan import Plan
from llmtrain_api.progress import ProgressReport
from llmtrain_api.spec.compute import Trainers
from llmtrain_api.status import (
    CountedTokens,
    JobPlan,
    JobStatus,
    PlannedStage,
    StageTokens,
    by_stage,
)
from llmtrain_lifecycle.money.nodes import gpu_product
from llmtrain_lifecycle.snapshot import Snapshot
from llmtrain_planner.architecture import PlanError
from llmtrain_planner.hardware import CPU, GPUS
from llmtrain_planner.plan import DEFAULT_GPU, PlanOptions, plan_job
from llmtrain_planner.utilization import ASSUMED_MFU


def with_plan(spec: JobSpec, status: JobStatus, snapshot: Snapshot) -> JobStatus:
    """The status with the plan, which is made again when more of its inputs are known.

    Args:
        spec: spec of the job.
        status: the decided status.
        snapshot: snapshot of the reconcile.
    """
    plan = status.plan
    counted = _counted_tokens(plan, snapshot)
    device = _device(spec.compute.trainers, plan, snapshot)
    if plan is None or (counted, device) != (plan.counted_tokens, plan.device):
        speed = plan.flops_per_second if plan else None
        planned = _planned(spec, counted, device)
        plan = planned.replace(flops_per_second=speed)
    return status.replace(plan=_measured(plan, snapshot.progress))


def _counted_tokens(plan: JobPlan | None, snapshot: Snapshot) -> CountedTokens:
    """Counted tokens of the stages' own data."""
    if plan is not None and plan.counted_tokens:
        return plan.counted_tokens
    outcomes = (each.outcome for each in snapshot.submissions if each.outcome)
    counted = next((each.counted_tokens for each in outcomes if each.counted_tokens), ())
    # A driver may print a stage twice; an API server refuses a status that does.
    return tuple(StageTokens(stage=stage, tokens=n) for stage, n in by_stage(counted).items())


def _device(trainers: Trainers, plan: JobPlan | None, snapshot: Snapshot) -> str:
    """Device of the trainers: of their Pods, or else as before, or else as the manifest asks."""
    if trainers.gpus == 0:
        return CPU
    running = (pod.gpu_product for pod in snapshot.paid or () if pod.end is None)
    there = next((name for name in map(_in_table, running) if name), None)
    planned = plan.device if plan else None
    return there or planned or _in_table(gpu_product(trainers.node_selector)) or DEFAULT_GPU


def _in_table(product: str | None) -> str | None:
    """The planner's name of a GPU; labels have dashes for the spaces of the driver's name."""
    for device in GPUS.values():
        if product in {name.replace(" ", "-") for name in device.driver_names}:
            return device.name
    return None


def _planned(spec: JobSpec, counted: CountedTokens, device: str) -> JobPlan:
    options = PlanOptions(device=device, counted_tokens=by_stage(counted))
    try:
        plan = plan_job(spec, options)
    except PlanError:  # only the trainer can read the shape of this model
        return JobPlan(device=device, mfu=ASSUMED_MFU, counted_tokens=counted)
    stages = tuple(
        PlannedStage(
            name=stage.stage,
            flops_per_token=stage.flops_per_token,
            tokens=stage.tokens,
            duration_seconds=stage.duration_seconds,
        )
        for stage in plan.stages
    )
    mfu = _mfu(plan)
    return JobPlan(device=device, mfu=mfu, counted_tokens=counted, stages=stages)


def _mfu(plan: Plan) -> float:
    """MFU of all stages together: their FLOPs as a share of the peak FLOPs in their time."""
    flops = {stage.stage: stage.flops or 0.0 for stage in plan.stages}
    could = sum(flops[stage.stage] / stage.mfu for stage in plan.stages)
    if could:
        return sum(flops.values()) / could
    return min((stage.mfu for stage in plan.stages), default=ASSUMED_MFU)


def _measured(plan: JobPlan, report: ProgressReport | None) -> JobPlan:
    stage = plan.stage(report.stage) if report else None
    if report is None or stage is None or report.tokens_per_second is None:
        return plan
    flops = report.tokens_per_second * stage.flops_per_token
    return plan.replace(flops_per_second=flops)
