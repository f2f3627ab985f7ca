"""Moves an attempt from its record in the status to its end."""

from dataclasses import replace

from llmtrain_api.exit_codes import UNFIT_NODE, ExitCode, FailureClass
from llmtrain_api.names import submission_id
from llmtrain_api.status import Attempt, StageState, StageStatus
from llmtrain_lifecycle.cluster import arrived, await_cluster, released
from llmtrain_lifecycle.conditions import INVALID_SPEC
from llmtrain_lifecycle.decision import STAGE_RUNNING, Step, Submit, soonest
from llmtrain_lifecycle.ending import ended, failed, given_up, interrupted, lost
from llmtrain_lifecycle.lost_pods import with_lost_pod, worst_lost_pod
from llmtrain_lifecycle.policies.time_limits import silent_seconds
from llmtrain_lifecycle.ray_unreachable import await_ray
from llmtrain_lifecycle.reconciliation import Reconciliation
from llmtrain_lifecycle.run_config import render_run_config
from llmtrain_lifecycle.snapshot import Submission, SubmissionState
from llmtrain_lifecycle.status_text import read_time, starting, working, write_time
from llmtrain_lifecycle.stopping import (
    BUDGET_REASON,
    DEADLINE_REASON,
    await_end,
    deadline_message,
    stop,
    why_stop,
)

_STALLED_SECONDS = 60
_STALLED = f"it has given no sign of work for over {_STALLED_SECONDS} s"


def advance(ctx: Reconciliation, stage: StageStatus) -> Step:
    """Move the current stage by one step."""
    if stage.run.live_attempt is None:
        return _record(ctx, stage)
    loss = worst_lost_pod(ctx.snapshot.lost_pods, ctx.status.cluster)
    attempt = with_lost_pod(stage.run.live_attempt, loss)
    stage = stage.with_run(stage.run.replace(attempt=attempt))
    if ctx.snapshot.unreachable is not None:
        return await_ray(ctx, stage, attempt, ctx.snapshot.unreachable)
    submission = ctx.snapshot.submission(attempt.submission_id)
    match stage.state:
        case StageState.STARTING if submission is None:
            return _submit(ctx, stage, attempt)
        case StageState.STOPPING:
            return await_end(ctx, stage, attempt, submission)
        case _:
            return _watch(ctx, stage, attempt, submission)


def _record(ctx: Reconciliation, stage: StageStatus) -> Step:
    """Record the attempt in the status; it is submitted after that is written."""
    if ctx.time_is_up:
        return given_up(ctx, stage, DEADLINE_REASON, deadline_message(ctx))
    if ctx.budget is not None and ctx.budget.fails:
        return given_up(ctx, stage, BUDGET_REASON, ctx.budget.message)
    if ctx.snapshot.unknown_fields:
        return _not_understood(ctx, stage)
    run = stage.run
    if run.retry_time is not None:
        wait = (read_time(run.retry_time) - ctx.now).total_seconds()
        if wait > 0:
            return Step(
                stage,
                reason="BackingOff",
                message=f"{stage.name} is tried again at {run.retry_time}: {run.message}",
                requeue_after_seconds=soonest(wait, ctx.seconds_left),
            )
    waiting = await_cluster(ctx, stage)
    if waiting is not None:
        return waiting
    number, time = run.next_attempt, write_time(ctx.now)
    attempt = Attempt(
        number=number,
        submission_id=submission_id(ctx.job.metadata.name, ctx.uid, stage.name, number),
        start_time=time,
    )
    recorded = run.replace(
        state=StageState.STARTING,
        attempt=attempt,
        start_time=run.start_time or time,
        retry_time=None,
    )
    return Step(
        stage.with_run(recorded),
        message=starting(stage.name, attempt),
        cluster=arrived(ctx),
        requeue_after_seconds=0,
    )


def _not_understood(ctx: Reconciliation, stage: StageStatus) -> Step:
    """Start nothing and hold no compute for a manifest with unknown fields."""
    message = "; ".join(ctx.snapshot.unknown_fields)
    return Step(stage, ctx.release, INVALID_SPEC, message=message, cluster=released(ctx.status))


def _submit(ctx: Reconciliation, stage: StageStatus, attempt: Attempt) -> Step:
    """Submit a recorded attempt to the cluster that it was recorded for.

    If that cluster is gone, the attempt may have run on it. So the attempt counts as lost, and its
    ID is not used on the next cluster.
    """
    if ctx.wants_stop or ctx.snapshot.unknown_fields:
        return interrupted(stage)
    if not ctx.cluster_ready:
        return lost(ctx, stage)
    refusal = ctx.snapshot.refusal
    # An attempt without an obstacle is not silent.
    silent = silent_seconds(stage.name, attempt, *ctx.signs) if refusal else 0
    why = why_stop(ctx, silent)
    if why is not None or (refusal and refusal.is_final):
        ended = _not_submitted(ctx, stage, why)
        return replace(ended, cluster=released(ctx.status))
    config = render_run_config(
        ctx.job, ctx.uid, stage.name, attempt.number, ctx.settings, last_end=stage.run.reason
    )
    return Step(
        stage,
        (Submit(attempt.submission_id, config),),
        reason=refusal.reason if refusal else STAGE_RUNNING,
        message=refusal.message if refusal else starting(stage.name, attempt),
    )


def _not_submitted(ctx: Reconciliation, stage: StageStatus, why: tuple[str, str] | None) -> Step:
    """End an attempt that Ray does not know and that must stop."""
    refusal = ctx.snapshot.refusal
    if why is not None and (refusal is None or why[0] in {DEADLINE_REASON, BUDGET_REASON}):
        return given_up(ctx, stage, *why)
    assert refusal is not None, "else it would go on"
    fault = FailureClass.USER if refusal.is_final else FailureClass.INFRASTRUCTURE
    message = f"it could not be submitted: {refusal.message}"
    return failed(ctx, stage, fault, refusal.reason, message)


def _watch(
    ctx: Reconciliation, stage: StageStatus, attempt: Attempt, submission: Submission | None
) -> Step:
    """Watch a submitted attempt."""
    if ctx.wants_stop and _may_have_been_stopped(submission):
        return interrupted(stage)
    if submission is None:
        return lost(ctx, stage)
    if submission.state.ended:
        return _after_end(ctx, stage, submission)
    running = stage.with_run(stage.run.replace(state=StageState.RUNNING))
    silent = silent_seconds(stage.name, attempt, *ctx.signs)
    why = why_stop(ctx, silent)
    if why is not None:
        return stop(ctx, running, attempt, *why)
    hang_timeout = ctx.job.spec.policy.hang_timeout_seconds
    stalled = silent >= _STALLED_SECONDS
    return Step(
        running,
        reason="Stalled" if stalled else STAGE_RUNNING,
        message=working(stage.name, attempt) + (f"; {_STALLED}" if stalled else ""),
        requeue_after_seconds=soonest(hang_timeout - silent, ctx.seconds_left),
    )


def _after_end(ctx: Reconciliation, stage: StageStatus, submission: Submission) -> Step:
    """The step after an attempt's end; the next one does not go to a node that was unfit."""
    step = ended(ctx, stage, submission)
    outcome = submission.outcome
    if outcome is None or outcome.reason != UNFIT_NODE:
        return step
    return replace(step, cluster=released(ctx.status))


def _may_have_been_stopped(submission: Submission | None) -> bool:
    """Whether an attempt ended as after our stop request.

    The reconcile with the request may have died before it wrote the status.
    """
    return (
        submission is None
        or submission.state is SubmissionState.STOPPED
        or submission.exit_code == ExitCode.INTERRUPTED
    )
