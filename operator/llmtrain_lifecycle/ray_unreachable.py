"""Handles a Ray that does not answer: the attempt may run, but cannot be stopped through Ray.

The job waits as long as the driver shows signs of work. An attempt that must stop is stopped by
deleting its cluster, whose Pods then ask the driver for a checkpoint. The next attempt starts only
when the whole cluster is gone, so there are never two.
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
_REPORTED_AFTER_SECONDS = 30
"""Patience with a head that is new or busy."""
_STOPPED_AFTER_SECONDS = 60


def await_ray(
    ctx: Reconciliation, stage: StageStatus, attempt: Attempt, unreachable: RayUnreachable
) -> Step:
    """Wait for Ray, or give its cluster up.

    Args:
        ctx: context of the reconcile.
        stage: stage with a running attempt.
        attempt: the running attempt.
        unreachable: last error, and the length of the silence.
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
        asked = (
            stopping(ctx, stage, attempt, *why)
            if why and stage.state is not StageState.STOPPING
            else stage
        )
        if asked.state is StageState.STOPPING:
            return replace(stopped(ctx, asked), cluster=released(ctx.status))
    return _waiting(ctx, stage, attempt, unreachable)


def _waiting(
    ctx: Reconciliation, stage: StageStatus, attempt: Attempt, unreachable: RayUnreachable
) -> Step:
    if unreachable.seconds >= _REPORTED_AFTER_SECONDS:
        message = f"{working(stage.name, attempt)}; Ray does not answer: {unreachable.message}"
        return Step(stage, reason=_REASON, message=message, requeue_after_seconds=ctx.seconds_left)
    wait_seconds = soonest(_REPORTED_AFTER_SECONDS - unreachable.seconds, ctx.seconds_left)
    if stage.state is StageState.STOPPING:
        reason, message = stage.run.reason or "", stage.run.message or ""
        return Step(stage, reason=reason, message=message, requeue_after_seconds=wait_seconds)
    text = starting if stage.state is StageState.STARTING else working
    message = text(stage.name, attempt)
    return Step(stage, message=message, requeue_after_seconds=wait_seconds)
