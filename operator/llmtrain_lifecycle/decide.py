"""The reconcile decision: from a job, its status and a snapshot to actions and a new status.

The decision is level-triggered: it depends on the current state, never on events, so a lost,
doubled or late reconcile changes nothing. An attempt is in the stored status before it is
submitted, and the next one is recorded only when the last has ended. So there is never more than
one.
"""

from dataclasses import replace
from datetime import datetime

from llmtrain_api.job import LLMTrainingJob
from llmtrain_api.status import Condition, JobStatus, Phase, StageState, StageStatus
from llmtrain_lifecycle.accounts import with_accounts
from llmtrain_lifecycle.attempt import advance
from llmtrain_lifecycle.cluster import released
from llmtrain_lifecycle.conditions import INVALID_SPEC, conditions_of, with_budget
from llmtrain_lifecycle.decision import STAGE_RUNNING, Decision, DeleteJob, Step, soonest
from llmtrain_lifecycle.ending import interrupted
from llmtrain_lifecycle.policies.time_limits import seconds_to_live, with_active_time
from llmtrain_lifecycle.progress import finished_progress, pipeline_progress
from llmtrain_lifecycle.reconciliation import Reconciliation
from llmtrain_lifecycle.settings import Settings
from llmtrain_lifecycle.snapshot import Snapshot
from llmtrain_lifecycle.status_text import write_time


def decide(
    job: LLMTrainingJob,
    uid: str,
    generation: int,
    status: JobStatus,
    snapshot: Snapshot,
    now: datetime,
    settings: Settings,
) -> Decision:
    """Decide the next actions of a job.

    Args:
        job: the manifest.
        uid: UID of the resource; a re-created job with the same name has another one.
        generation: generation of the resource, for `observedGeneration`.
        status: stored status.
        snapshot: snapshot of the job's objects.
        now: current time, with a time zone.
        settings: settings of the executor.

    Returns:
        The actions and the status to write. A converged job keeps its status and gets no action.
    """
    ctx = Reconciliation(job, uid, generation, status, snapshot, now, settings)
    decision = _transition(ctx)
    return replace(
        decision,
        status=with_accounts(ctx, with_budget(ctx, decision.status)),
        requeue_after_seconds=soonest(
            decision.requeue_after_seconds, ctx.budget.seconds_left if ctx.budget else None
        ),
    )


def _transition(ctx: Reconciliation) -> Decision:
    """The decision without plan, time and cost."""
    job, status = ctx.job, ctx.status
    if status.phase.terminal:
        return _ended(ctx)
    stages = tuple(status.stage(name) for name in job.spec.stages)
    if ctx.snapshot.held_by is not None:
        return _deleted(ctx, stages, ctx.snapshot.held_by)
    current = next((s for s in stages if s.state is not StageState.SUCCEEDED), None)
    if current is None:
        return _finish(ctx, stages)
    if current.state is StageState.PENDING and ctx.wants_stop:
        return _suspended(ctx, stages)
    step = _with_faults(ctx, advance(ctx, current))
    stages = tuple(step.stage if s.name is current.name else s for s in stages)
    status = _after(ctx, stages, step)
    if step.stage.state is StageState.FAILED:
        return _fail(ctx, status, step)
    return Decision(_running(ctx, status, step), step.actions, step.requeue_after_seconds)


def _with_faults(ctx: Reconciliation, step: Step) -> Step:
    """The step of a running attempt, with a message about unknown fields of the manifest."""
    faults = ctx.snapshot.unknown_fields
    if not (faults and step.stage.state.at_work):
        return step
    reason = INVALID_SPEC if step.reason == STAGE_RUNNING else step.reason
    return replace(step, reason=reason, message=f"{'; '.join(faults)}; meanwhile {step.message}")


def _ended(ctx: Reconciliation) -> Decision:
    """Delete an ended job's compute, and the job itself when its time to live is over."""
    left = seconds_to_live(ctx.job, ctx.status, ctx.now)
    if ctx.release or left is None or ctx.snapshot.held_by is not None:
        return Decision(_seen(ctx), ctx.release)
    if left > 0:
        return Decision(_seen(ctx), requeue_after_seconds=left)
    return Decision(_seen(ctx), (DeleteJob(),))


def _seen(ctx: Reconciliation) -> JobStatus:
    """The status of an ended job, in which only the observed generation can change.

    `kubectl wait` ignores conditions of an older generation.
    """
    seen = ctx.generation
    conditions = tuple(each.replace(observed_generation=seen) for each in ctx.status.conditions)
    return ctx.status.replace(observed_generation=seen, conditions=conditions)


def _after(ctx: Reconciliation, stages: tuple[StageStatus, ...], step: Step) -> JobStatus:
    """The status after a step."""
    report, attempt = ctx.snapshot.progress, step.stage.run.attempt
    if step.stage.state is StageState.PENDING or not (
        report and attempt and report.is_of(ctx.uid, step.stage.name, attempt.number)
    ):
        report = None
    return ctx.status.replace(
        stages=stages,
        progress=pipeline_progress(
            stages, step.stage, report, ctx.status.progress, ctx.status.plan
        ),
        evaluation=step.evaluation or ctx.status.evaluation,
        cluster=step.cluster or ctx.status.cluster,
    )


def _running(ctx: Reconciliation, status: JobStatus, step: Step) -> JobStatus:
    now, phase = write_time(ctx.now), _phase(ctx, step)
    timed = with_active_time(status, ctx.now, queued=ctx.is_queued)
    return timed.replace(
        observed_generation=ctx.generation,
        phase=phase,
        start_time=status.start_time or now,
        conditions=_conditions(ctx, phase, step.reason, step.message),
    )


def _phase(ctx: Reconciliation, step: Step) -> Phase:
    """The phase: Running during an attempt, and between two stages on the same cluster."""
    match step.stage.state:
        case StageState.RUNNING | StageState.STOPPING:
            return Phase.RUNNING
        case StageState.STARTING | StageState.SUCCEEDED if step.reason == STAGE_RUNNING:
            return Phase.RUNNING if ctx.status.phase is Phase.RUNNING else Phase.STARTING
        case _:
            return Phase.QUEUED if ctx.is_queued else Phase.PENDING


def _deleted(
    ctx: Reconciliation, stages: tuple[StageStatus, ...], finalizers: tuple[str, ...]
) -> Decision:
    """Release the compute of a job that is being deleted, whatever finalizers it has.

    Its Pods ask the driver for a checkpoint when they terminate.
    """
    left = tuple(interrupted(s).stage if s.state.at_work else s for s in stages)
    message = f"the job is being deleted, and holds no compute; kept by {', '.join(finalizers)}"
    return _at_rest(ctx, left, "Deleting", message)


def _suspended(ctx: Reconciliation, stages: tuple[StageStatus, ...]) -> Decision:
    message = f"{_why_suspended(ctx)}; it goes on from its newest checkpoint when it is resumed"
    return _at_rest(ctx, stages, "Suspended", message)


def _at_rest(
    ctx: Reconciliation, stages: tuple[StageStatus, ...], reason: str, message: str
) -> Decision:
    """Release all compute."""
    status = ctx.status.replace(
        observed_generation=ctx.generation,
        phase=Phase.SUSPENDED,
        stages=stages,
        cluster=released(ctx.status),
        conditions=_conditions(ctx, Phase.SUSPENDED, reason, message),
    )
    return Decision(status, ctx.release)


def _why_suspended(ctx: Reconciliation) -> str:
    if ctx.job.spec.policy.suspend:
        return "policy.suspend is set"
    if ctx.budget is not None and ctx.budget.stops:
        return ctx.budget.message
    return "it was interrupted"


def _fail(ctx: Reconciliation, status: JobStatus, step: Step) -> Decision:
    reason = step.stage.run.reason or "StageFailed"
    message = f"{step.stage.name}: {step.stage.run.message or 'the stage failed'}"
    return _end(ctx, status, Phase.FAILED, reason, message)


def _finish(ctx: Reconciliation, stages: tuple[StageStatus, ...]) -> Decision:
    progress = finished_progress(stages, ctx.status.progress)
    status = ctx.status.replace(stages=stages, progress=progress)
    return _end(ctx, status, Phase.SUCCEEDED, "Completed", "all stages have succeeded")


def _end(
    ctx: Reconciliation, status: JobStatus, phase: Phase, reason: str, message: str
) -> Decision:
    """The final status of a job.

    The next reconcile releases the cluster. If it were released before the status is written, a
    crash in between would leave an attempt that looks lost and would be retried.
    """
    ended = status.replace(
        observed_generation=ctx.generation,
        phase=phase,
        completion_time=write_time(ctx.now),
        conditions=_conditions(ctx, phase, reason, message),
    )
    return Decision(ended, requeue_after_seconds=0)


def _conditions(
    ctx: Reconciliation, phase: Phase, reason: str, message: str
) -> tuple[Condition, ...]:
    return conditions_of(
        phase,
        reason,
        message,
        before=ctx.status.conditions,
        generation=ctx.generation,
        now=ctx.now,
    )
