"""Stops an attempt: the reason, the request, and the step after its end."""

from dataclasses import replace

from llmtrain_api.exit_codes import ExitCode, FailureClass
from llmtrain_api.status import Attempt, StageState, StageStatus
from llmtrain_lifecycle.cluster import released
from llmtrain_lifecycle.decision import Step, Stop
from llmtrain_lifecycle.ending import ended, failed, given_up, interrupted
from llmtrain_lifecycle.policies.budget import BudgetState
from llmtrain_lifecycle.reconciliation import Reconciliation
from llmtrain_lifecycle.snapshot import Submission, SubmissionState
from llmtrain_lifecycle.status_text import read_time, write_time

DEADLINE_REASON = "DeadlineExceeded"
BUDGET_REASON = BudgetState.EXCEEDED.value
_SUSPENDING = "Suspending"
_HANG_REASON = "Hang"


def why_stop(ctx: Reconciliation, silent: float) -> tuple[str, str] | None:
    """Reason and message of a stop; None if the attempt may continue.

    Args:
        ctx: context of the reconcile.
        silent: seconds since the attempt's newest sign of work.
    """
    if ctx.wants_stop:
        return _SUSPENDING, "stopping after a checkpoint"
    if ctx.time_is_up:
        return DEADLINE_REASON, deadline_message(ctx)
    if ctx.budget is not None and ctx.budget.fails:
        return BUDGET_REASON, ctx.budget.message
    hang_timeout = ctx.job.spec.policy.hang_timeout_seconds
    if silent >= hang_timeout:
        message = f"no sign of work for {silent:.0f} s (policy.hangTimeoutSeconds: {hang_timeout})"
        return _HANG_REASON, message
    return None


def stopping(
    ctx: Reconciliation, stage: StageStatus, attempt: Attempt, reason: str, message: str
) -> StageStatus:
    """The stage after a stop request."""
    run = stage.run.replace(
        state=StageState.STOPPING,
        attempt=attempt.replace(stop_time=write_time(ctx.now)),
        reason=reason,
        message=message,
    )
    return stage.with_run(run)


def stop(
    ctx: Reconciliation, stage: StageStatus, attempt: Attempt, reason: str, message: str
) -> Step:
    """Request an attempt's stop."""
    return _request(ctx, stopping(ctx, stage, attempt, reason, message), attempt)


def _request(ctx: Reconciliation, stage: StageStatus, attempt: Attempt) -> Step:
    return Step(
        stage,
        (Stop(attempt.submission_id),),
        reason=stage.run.reason or _SUSPENDING,
        message=stage.run.message or "",
        requeue_after_seconds=ctx.job.spec.policy.hang_timeout_seconds,
    )


def await_end(
    ctx: Reconciliation, stage: StageStatus, attempt: Attempt, submission: Submission | None
) -> Step:
    """Wait for an attempt that was asked to stop.

    Ray kills an attempt that does not stop. If it still runs after `hangTimeoutSeconds`, its
    cluster is deleted.

    Args:
        ctx: context of the reconcile.
        stage: the stopping stage.
        attempt: the running attempt.
        submission: its submission; None if nothing of it can run any more.
    """
    if submission is not None:
        if not submission.state.ended:
            return _await_stop(ctx, stage, attempt)
        if submission.state is SubmissionState.SUCCEEDED or submission.exit_code in {
            ExitCode.USER,
            ExitCode.GATE,
        }:
            return ended(ctx, stage, submission)  # it finished before the request arrived
    return stopped(ctx, stage)


def stopped(ctx: Reconciliation, stage: StageStatus) -> Step:
    """The step after a stop, once nothing of the attempt can run any more."""
    reason, message = stage.run.reason or _SUSPENDING, stage.run.message or ""
    if reason in {DEADLINE_REASON, BUDGET_REASON}:
        return given_up(ctx, stage, reason, message)
    if reason == _HANG_REASON:
        return failed(ctx, stage, FailureClass.INFRASTRUCTURE, reason, message)
    return interrupted(stage)


def _await_stop(ctx: Reconciliation, stage: StageStatus, attempt: Attempt) -> Step:
    """Wait for the end of a stopping attempt, or delete its cluster."""
    since = attempt.stop_time or write_time(ctx.now)
    waited = (ctx.now - read_time(since)).total_seconds()
    left = ctx.job.spec.policy.hang_timeout_seconds - waited
    if left <= 0:
        return replace(stopped(ctx, stage), cluster=released(ctx.status))
    waiting = stage.with_run(stage.run.replace(attempt=attempt.replace(stop_time=since)))
    if ctx.snapshot.refusal is not None:
        return _request(ctx, waiting, attempt)
    return Step(
        waiting,
        reason=stage.run.reason or _SUSPENDING,
        message=stage.run.message or "",
        requeue_after_seconds=left,
    )


def deadline_message(ctx: Reconciliation) -> str:
    """Message with the deadline that has passed."""
    return (
        f"the job has run for longer than {ctx.job.spec.policy.active_deadline_seconds} s "
        "(policy.activeDeadlineSeconds)"
    )
