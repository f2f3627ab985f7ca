"""The end of an attempt, and its consequences for the stage."""

import signal
from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta

from llmtrain_api.exit_codes import FailureClass, crashed, death_signal, failure_class
from llmtrain_api.status import (
    EVALUATION_MAX_ITEMS,
    REASON_MAX_LENGTH,
    StageRun,
    StageState,
    StageStatus,
)
from llmtrain_lifecycle.decision import Step, soonest
from llmtrain_lifecycle.policies.retry import after_failure, failure_class_of
from llmtrain_lifecycle.reconciliation import Reconciliation
from llmtrain_lifecycle.snapshot import Submission, SubmissionState
from llmtrain_lifecycle.status_text import for_status, read_time, write_time


def ended(ctx: Reconciliation, stage: StageStatus, submission: Submission) -> Step:
    """The step after a submission that ended by itself."""
    outcome = submission.outcome
    # The driver's outcome is cut to the limits of the status.
    evaluation = outcome.evaluation[:EVALUATION_MAX_ITEMS] if outcome else ()
    if submission.state is SubmissionState.SUCCEEDED:
        warnings = outcome.warnings if outcome else ()
        return replace(_succeeded(ctx, stage, warnings), evaluation=evaluation)
    if outcome:
        reason, message = outcome.reason[:REASON_MAX_LENGTH], outcome.message
    elif crashed(submission.exit_code):
        reason = "DriverCrashed"
        message = f"{_end_message(submission)}; the same input would crash it again"
        return failed(ctx, stage, FailureClass.APPLICATION, reason, message, retried=False)
    elif submission.exit_code is not None:
        reason, message = "DriverLost", _end_message(submission)
    elif submission.state is SubmissionState.STOPPED:
        reason, message = "Stopped", "its Ray job was stopped from outside"
    else:
        reason, message = "DriverLost", "its driver ended where Ray could not see it"
    step = failed(ctx, stage, failure_class(submission.exit_code), reason, message)
    return replace(step, evaluation=evaluation)


def _end_message(submission: Submission) -> str:
    """Message about a driver that ended without an outcome line."""
    number = death_signal(submission.exit_code)
    if number is None:
        return f"its driver ended with exit code {submission.exit_code} and said nothing"
    description = signal.strsignal(number) or "unknown"
    return f"its driver was ended by {number.name} ({description.lower()}) and said nothing"


def _succeeded(ctx: Reconciliation, stage: StageStatus, warnings: Sequence[str]) -> Step:
    """The step of a succeeded stage; its message keeps the warnings, one on a line."""
    warned = for_status("\n".join(warnings)) or None
    done = _closed(stage.run, StageState.SUCCEEDED, "Completed", warned)
    done = done.replace(completion_time=write_time(ctx.now))
    return Step(
        stage.with_run(done), message=f"{stage.name} has succeeded", requeue_after_seconds=0
    )


def lost(ctx: Reconciliation, stage: StageStatus) -> Step:
    """The step after a submission that is gone with an unseen end."""
    if ctx.is_queued:
        # Its Pods were deleted, for a known reason.
        taken = stage.with_run(_without_traces(stage.run))
        message = "its queue took its Ray cluster's compute away"
        return failed(ctx, taken, FailureClass.PREEMPTION, reason="Evicted", message=message)
    message = (
        "Ray does not know its submission any more"
        if ctx.cluster_ready
        else "its Ray cluster went away"
    )
    return failed(ctx, stage, FailureClass.INFRASTRUCTURE, reason="SubmissionLost", message=message)


def failed(
    ctx: Reconciliation,
    stage: StageStatus,
    failure: FailureClass,
    reason: str,
    message: str,
    *,
    retried: bool = True,
) -> Step:
    """Count a failure, and retry if the limit of its class allows it.

    The cause of a lost Pod is more precise than the driver's view of it.

    Args:
        ctx: context of the reconcile.
        stage: stage with the failed attempt.
        failure: its class.
        reason: for programs.
        message: for people.
        retried: whether another attempt may succeed.
    """
    attempt = stage.run.attempt
    pod = attempt.lost_pod if attempt else None
    if pod is not None and failure is not FailureClass.USER:
        failure, reason, message = failure_class_of(pod), pod.reason, f"{pod.message} ({message})"
    retry = after_failure(
        stage.run.failures,
        failure,
        ctx.job.spec.policy.retries,
        first_backoff_seconds=ctx.settings.first_backoff_seconds,
        longest_backoff_seconds=ctx.settings.longest_backoff_seconds,
    )
    counted = stage.with_run(stage.run.replace(failures=retry.failures))
    if not (retried and retry.allowed):
        return given_up(ctx, counted, reason, message)
    # Rounded up, so that a wait is never shorter than announced.
    retry_time = write_time(ctx.now + timedelta(seconds=retry.wait_seconds, microseconds=999_999))
    again = _closed(counted.run, StageState.PENDING, reason, for_status(message))
    return Step(
        stage.with_run(again.replace(retry_time=retry_time)),
        reason="BackingOff",
        message=f"{stage.name} is tried again at {retry_time} ({failure} failure): {message}",
        requeue_after_seconds=soonest(
            (read_time(retry_time) - ctx.now).total_seconds(), ctx.seconds_left
        ),
    )


def given_up(ctx: Reconciliation, stage: StageStatus, reason: str, message: str) -> Step:
    """The step of a stage that has failed for good, with its job."""
    final = _closed(stage.run, StageState.FAILED, reason, for_status(message)).replace(
        completion_time=write_time(ctx.now), retry_time=None
    )
    return Step(stage.with_run(final), reason=reason, message=message)


def interrupted(stage: StageStatus) -> Step:
    """The step after an attempt that was stopped to release compute, which is no failure."""
    why = "it was stopped, to go on when the job is resumed"
    again = _closed(stage.run, StageState.PENDING, "Suspended", why)
    message = f"{stage.name} has stopped"
    return Step(
        stage.with_run(again), reason="Suspending", message=message, requeue_after_seconds=0
    )


def _closed(run: StageRun, state: StageState, reason: str, message: str | None) -> StageRun:
    """The run after its attempt, in a state in which no attempt is at work."""
    return _without_traces(run).replace(state=state, reason=reason, message=message)


def _without_traces(run: StageRun) -> StageRun:
    """The run whose attempt lacks what holds only while it is at work."""
    attempt = run.attempt and run.attempt.replace(stop_time=None, lost_pod=None)
    return run.replace(attempt=attempt)
