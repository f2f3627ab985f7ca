"""An attempt whose Ray does not answer: it may live, and cannot be told anything.

It is waited for as long as its driver gives signs of work. What must stop is stopped by taking the
cluster away: its Pods then ask the driver for a checkpoint. The next attempt comes only when all
of that cluster has gone, so there are never two.
"""

from dataclasses import replace

from llmtrain_api.exit_codes import FailureClass
from llmtrain_api.status import Attempt, StageState, StageStatus
from llmtrain_lifecycle.cluster import released
from llmtrain_lifecycle.decision import Step, soonest
from llmtrain_lifecycle.ending import failed
from llmtrain_lifecycle.policies.time_limits import silent_seconds
from llmtrain_lifecycle.reconciliation import Reconciliation
from llmtrain_lifecycle.snapshot import RayUnreachable
from llmtrain_lifecycle.status_text import starting, working
from llmtrain_lifecycle.stopping import stopped, stopping, why_stop

_REASON = "RayUnreachable"
_TOLD_AFTER_SECONDS = 30
"""A head that has just come, or is busy, answers a moment later."""
_STOPPED_AFTER_SECONDS = 60


def await_ray(
    ctx: Reconciliation, stage: StageStatus, attempt: Attempt, unreachable: RayUnreachable
) -> Step:
    """Wait for Ray, or give its cluster up.

    Args:
        ctx: what the pass rests on.
        stage: at work.
        attempt: of the stage, at work.
        unreachable: what came instead of an answer, and for how long.
    """
    silent = silent_seconds(stage.name, attempt, *ctx.signs)
    hang_timeout = ctx.job.spec.policy.hang_timeout_seconds
    if min(unreachable.seconds, silent) >= hang_timeout and stage.state is not StageState.STOPPING:
        limited = f"Ray has not answered for {hang_timeout} s (policy.hangTimeoutSeconds)"
        message = f"{limited}: {unreachable.message}"
        given_up = failed(ctx, stage, FailureClass.INFRASTRUCTURE, _REASON, message)
        return replace(given_up, cluster=released(ctx.status))
    why = why_stop(ctx, silent=0)
    if unreachable.seconds >= _STOPPED_AFTER_SECONDS:
        told = (
            stopping(ctx, stage, attempt, *why)
            if why and stage.state is not StageState.STOPPING
            else stage
        )
        if told.state is StageState.STOPPING:
            return replace(stopped(ctx, told), cluster=released(ctx.status))
    return _waiting(ctx, stage, attempt, unreachable)


def _waiting(
    ctx: Reconciliation, stage: StageStatus, attempt: Attempt, unreachable: RayUnreachable
) -> Step:
    if unreachable.seconds >= _TOLD_AFTER_SECONDS:
        told = f"{working(stage.name, attempt)}; Ray does not answer: {unreachable.message}"
        return Step(stage, reason=_REASON, message=told, requeue_after_seconds=ctx.seconds_left)
    next_turn = soonest(_TOLD_AFTER_SECONDS - unreachable.seconds, ctx.seconds_left)
    if stage.state is StageState.STOPPING:
        reason, message = stage.run.reason or "", stage.run.message or ""
        return Step(stage, reason=reason, message=message, requeue_after_seconds=next_turn)
    text = starting if stage.state is StageState.STARTING else working
    message = text(stage.name, attempt)
    return Step(stage, message=message, requeue_after_seconds=next_turn)
