"""One attempt of a stage, from its record in the status to its end."""

from dataclasses import dataclass, replace
from datetime import timedelta

from llmtrain_api.exit_codes import ExitCode, FailureClass, failure_class
from llmtrain_api.names import submission_id
from llmtrain_api.status import EvaluationResult, StageState, StageStatus
from llmtrain_operator.core.decision import Action, Stop, Submit
from llmtrain_operator.core.policies.deadline import exceeded
from llmtrain_operator.core.policies.hang import silent_seconds
from llmtrain_operator.core.policies.retry import after_failure
from llmtrain_operator.core.reconcile_pass import Pass
from llmtrain_operator.core.run_config import render_run_config
from llmtrain_operator.core.snapshot import Submission, SubmissionState
from llmtrain_operator.core.timestamps import read_time, write_time

_SUSPENDING = "Suspending"
_HANG = "Hang"
_DEADLINE = "DeadlineExceeded"


@dataclass(frozen=True)
class Step:
    """What becomes of a stage in one pass."""

    stage: StageStatus
    actions: tuple[Action, ...] = ()
    reason: str = "StageRunning"
    message: str = ""
    requeue_after_seconds: float | None = None
    evaluation: tuple[EvaluationResult, ...] = ()


def advance(this: Pass, stage: StageStatus) -> Step:
    """Move the stage that the job is at by one step; its cluster is there, or was."""
    submission = this.snapshot.submission(stage.submission_id)
    match stage.state:
        case StageState.PENDING:
            return _record(this, stage)
        case StageState.STARTING if submission is None:
            return _submit(this, stage)
        case StageState.STOPPING:
            return _await_end(this, stage, submission)
        case _:
            return _watch(this, stage, submission)


def _record(this: Pass, stage: StageStatus) -> Step:
    """Put the attempt into the status; it is submitted once that is written."""
    if stage.retry_time is not None:
        wait = (read_time(stage.retry_time) - this.now).total_seconds()
        if wait > 0:
            message = f"{stage.name} is tried again at {stage.retry_time}: {stage.message}"
            return Step(stage, reason="BackingOff", message=message, requeue_after_seconds=wait)
    time = write_time(this.now)
    recorded = stage.model_copy(
        update={
            "state": StageState.STARTING,
            "submission_id": submission_id(
                this.job.metadata.name, this.uid, stage.name, stage.attempt
            ),
            "start_time": stage.start_time or time,
            "attempt_time": time,
            "retry_time": None,
        }
    )
    return Step(recorded, message=_starting(recorded), requeue_after_seconds=0)


def _submit(this: Pass, stage: StageStatus) -> Step:
    if this.wants_stop:
        return Step(_next_attempt(stage), reason=_SUSPENDING, requeue_after_seconds=0)
    assert stage.submission_id is not None, "recorded with the attempt"
    config = render_run_config(this.job, this.uid, stage.name, stage.attempt, this.settings)
    return Step(stage, (Submit(stage.submission_id, config),), message=_starting(stage))


def _watch(this: Pass, stage: StageStatus, submission: Submission | None) -> Step:
    """An attempt that was submitted."""
    if submission is None:
        return _fail(
            this,
            stage,
            FailureClass.INFRASTRUCTURE,
            "SubmissionLost",
            "its Ray cluster went away",
        )
    if submission.state.ended:
        return _ended(this, stage, submission)
    running = stage.model_copy(update={"state": StageState.RUNNING})
    if this.wants_stop:
        return _stop(running, _SUSPENDING, "stopping after a checkpoint")
    policy = this.job.spec.policy
    if exceeded(this.status, policy.active_deadline_seconds, this.now):
        return _stop(
            running,
            _DEADLINE,
            f"the job has run for longer than {policy.active_deadline_seconds} s "
            "(policy.activeDeadlineSeconds)",
        )
    silent = silent_seconds(running, this.uid, this.snapshot.progress, this.now)
    if silent > policy.hang_timeout_seconds:
        return _stop(
            running,
            _HANG,
            f"no sign of work for {silent:.0f} s (policy.hangTimeoutSeconds: "
            f"{policy.hang_timeout_seconds})",
        )
    return Step(running, message=f"{running.name} is running, attempt {running.attempt}")


def _stop(stage: StageStatus, reason: str, message: str) -> Step:
    assert stage.submission_id is not None, "it is running"
    stopping = stage.model_copy(
        update={"state": StageState.STOPPING, "reason": reason, "message": message}
    )
    return Step(stopping, (Stop(stage.submission_id),), reason=reason, message=message)


def _await_end(this: Pass, stage: StageStatus, submission: Submission | None) -> Step:
    """An attempt that was told to stop."""
    reason, message = stage.reason or _SUSPENDING, stage.message or ""
    if submission is not None and not submission.state.ended:
        return Step(stage, reason=reason, message=message)
    if submission is not None and submission.state is SubmissionState.SUCCEEDED:
        return _ended(this, stage, submission)  # it was done before it heard
    if reason == _DEADLINE:
        return _give_up(this, stage, reason, message)
    if reason == _HANG:
        return _fail(this, stage, FailureClass.INFRASTRUCTURE, reason, message)
    if submission is not None and submission.exit_code in {ExitCode.USER, ExitCode.GATE}:
        return _ended(this, stage, submission)
    return Step(_next_attempt(stage), reason=reason, message=message, requeue_after_seconds=0)


def _ended(this: Pass, stage: StageStatus, submission: Submission) -> Step:
    outcome = submission.outcome
    if submission.state is SubmissionState.SUCCEEDED:
        done = stage.model_copy(
            update={
                "state": StageState.SUCCEEDED,
                "completion_time": write_time(this.now),
                "reason": "Completed",
                "message": None,
            }
        )
        evaluation = outcome.evaluation if outcome else ()
        message = f"{stage.name} has succeeded"
        return Step(done, message=message, requeue_after_seconds=0, evaluation=evaluation)
    reason = outcome.reason if outcome else "DriverLost"
    message = (
        outcome.message if outcome else f"its driver ended with exit code {submission.exit_code}"
    )
    step = _fail(this, stage, failure_class(submission.exit_code), reason, message)
    return step if outcome is None else replace(step, evaluation=outcome.evaluation)


def _fail(this: Pass, stage: StageStatus, failure: FailureClass, reason: str, message: str) -> Step:
    """Count a failure, and try again where its budget allows."""
    retry = after_failure(
        stage.failures,
        failure,
        this.job.spec.policy.retries,
        first_backoff_seconds=this.settings.first_backoff_seconds,
        longest_backoff_seconds=this.settings.longest_backoff_seconds,
    )
    counted = stage.model_copy(
        update={"failures": retry.failures, "reason": reason, "message": message}
    )
    if not retry.allowed:
        failed = {"state": StageState.FAILED, "completion_time": write_time(this.now)}
        return Step(counted.model_copy(update=failed), reason=reason, message=message)
    # Rounded up, so that a wait is never shorter than it says.
    retry_time = this.now + timedelta(seconds=retry.wait_seconds, microseconds=999_999)
    again = _next_attempt(counted).model_copy(update={"retry_time": write_time(retry_time)})
    return Step(
        again,
        reason="BackingOff",
        message=f"{stage.name} is tried again ({failure} failure): {message}",
        requeue_after_seconds=retry.wait_seconds,
    )


def _give_up(this: Pass, stage: StageStatus, reason: str, message: str) -> Step:
    failed = stage.model_copy(
        update={
            "state": StageState.FAILED,
            "completion_time": write_time(this.now),
            "reason": reason,
            "message": message,
        }
    )
    return Step(failed, reason=reason, message=message)


def _next_attempt(stage: StageStatus) -> StageStatus:
    return stage.model_copy(
        update={
            "state": StageState.PENDING,
            "attempt": stage.attempt + 1,
            "submission_id": None,
        }
    )


def _starting(stage: StageStatus) -> str:
    return f"{stage.name} is starting, attempt {stage.attempt}"
