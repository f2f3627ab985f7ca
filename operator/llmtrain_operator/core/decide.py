"""One reconcile pass: from the job, its status and what is there, to what is to be done.

The decision is level-triggered: it asks what holds, never what happened, so a pass that was lost,
doubled or late changes nothing. An attempt stands in the written status before it is submitted;
the next attempt is recorded only when the last has ended. So there is never more than one.
"""

from dataclasses import replace
from datetime import datetime

from llmtrain_api.spec.job import LLMTrainingJob
from llmtrain_api.status import Condition, JobStatus, Phase, StageState, StageStatus
from llmtrain_operator.core.accounts import with_accounts
from llmtrain_operator.core.attempt import advance
from llmtrain_operator.core.budget import with_budget
from llmtrain_operator.core.cluster import released
from llmtrain_operator.core.conditions import conditions_of
from llmtrain_operator.core.decision import Decision, DeleteJob
from llmtrain_operator.core.policies.hang import is_report_of
from llmtrain_operator.core.policies.time_to_live import seconds_to_live
from llmtrain_operator.core.progress import finished_progress, line_progress
from llmtrain_operator.core.reconcile_pass import Pass
from llmtrain_operator.core.settings import Settings
from llmtrain_operator.core.snapshot import Snapshot
from llmtrain_operator.core.step import Step, soonest
from llmtrain_operator.core.timestamps import write_time


def decide(
    job: LLMTrainingJob,
    uid: str,
    generation: int,
    status: JobStatus,
    snapshot: Snapshot,
    now: datetime,
    settings: Settings,
) -> Decision:
    """What to do for a job now.

    Args:
        job: the manifest.
        uid: of the resource; a re-created job of the same name has another.
        generation: of the resource, for `observedGeneration`.
        status: as it was last written.
        snapshot: what is there.
        now: the time, with a time zone.
        settings: of whoever runs the job.

    Returns:
        The status to write and the actions to take. A job that has converged gets the status
        that it has, and no action.
    """
    this = Pass(job, uid, generation, status, snapshot, now, settings)
    decision = _turn(this)
    return replace(
        decision,
        status=with_accounts(this, with_budget(this, decision.status)),
        requeue_after_seconds=soonest(
            decision.requeue_after_seconds, this.budget.seconds_left if this.budget else None
        ),
    )


def _turn(this: Pass) -> Decision:
    """What becomes of the job, its accounts aside."""
    job, status = this.job, this.status
    if status.phase.terminal:
        return _ended(this)
    stages = tuple(status.stage(name) for name in job.spec.stages)
    current = next((s for s in stages if s.state is not StageState.SUCCEEDED), None)
    if current is None:
        return _finish(this, stages)
    if current.state is StageState.PENDING and this.wants_stop:
        return _suspended(this, stages)
    step = advance(this, current)
    stages = tuple(step.stage if s.name is current.name else s for s in stages)
    status = _after(this, stages, step)
    if step.stage.state is StageState.FAILED:
        return _fail(this, status, step)
    return Decision(_running(this, status, step), step.actions, step.requeue_after_seconds)


def _ended(this: Pass) -> Decision:
    """A job that has ended gives its compute back, and goes when its time to live is over."""
    left = seconds_to_live(this.job, this.status, this.now)
    if this.release or left is None:
        return Decision(_seen(this), this.release)
    if left > 0:
        return Decision(_seen(this), requeue_after_seconds=left)
    return Decision(_seen(this), (DeleteJob(),))


def _seen(this: Pass) -> JobStatus:
    """The status of a job that has ended, of which only the generation can be new.

    `kubectl wait` believes no condition of an older generation.
    """
    seen = {"observed_generation": this.generation}
    conditions = tuple(each.model_copy(update=seen) for each in this.status.conditions)
    return this.status.model_copy(update={**seen, "conditions": conditions})


def _after(this: Pass, stages: tuple[StageStatus, ...], step: Step) -> JobStatus:
    """The status with what the step brought."""
    report = this.snapshot.progress
    if report is not None and not is_report_of(report, step.stage, this.uid):
        report = None
    return this.status.model_copy(
        update={
            "stages": stages,
            "progress": line_progress(
                stages, step.stage, report, this.status.progress, this.status.plan
            ),
            "evaluation": step.evaluation or this.status.evaluation,
            "cluster": step.cluster or this.status.cluster,
        }
    )


def _running(this: Pass, status: JobStatus, step: Step) -> JobStatus:
    now = write_time(this.now)
    resumed = status.phase is Phase.SUSPENDED or status.active_time is None
    return status.model_copy(
        update={
            "observed_generation": this.generation,
            "phase": Phase.RUNNING,
            "start_time": status.start_time or now,
            "active_time": now if resumed else status.active_time,
            "conditions": _conditions(this, Phase.RUNNING, step.reason, step.message),
        }
    )


def _suspended(this: Pass, stages: tuple[StageStatus, ...]) -> Decision:
    message = f"{_why_suspended(this)}; it goes on from its newest checkpoint when it is resumed"
    status = this.status.model_copy(
        update={
            "observed_generation": this.generation,
            "phase": Phase.SUSPENDED,
            "stages": stages,
            "cluster": released(this.status),
            "conditions": _conditions(this, Phase.SUSPENDED, "Suspended", message),
        }
    )
    return Decision(status, this.release)


def _why_suspended(this: Pass) -> str:
    if this.job.spec.policy.suspend:
        return "policy.suspend is set"
    if this.budget is not None and this.budget.stops:
        return this.budget.message
    return "it was interrupted"


def _fail(this: Pass, status: JobStatus, step: Step) -> Decision:
    reason = step.stage.reason or "StageFailed"
    message = f"{step.stage.name}: {step.stage.message or 'the stage failed'}"
    return _end(this, status, Phase.FAILED, reason, message)


def _finish(this: Pass, stages: tuple[StageStatus, ...]) -> Decision:
    status = this.status.model_copy(
        update={"stages": stages, "progress": finished_progress(stages)}
    )
    return _end(this, status, Phase.SUCCEEDED, "Completed", "all stages have succeeded")


def _end(this: Pass, status: JobStatus, phase: Phase, reason: str, message: str) -> Decision:
    """The last status of a job; nothing revives it.

    The cluster is given back by the next pass. Were it gone before the verdict is written, a pass
    that died in between would leave an attempt that looks lost, and is tried again.
    """
    ended = status.model_copy(
        update={
            "observed_generation": this.generation,
            "phase": phase,
            "completion_time": write_time(this.now),
            "conditions": _conditions(this, phase, reason, message),
        }
    )
    return Decision(ended, requeue_after_seconds=0)


def _conditions(this: Pass, phase: Phase, reason: str, message: str) -> tuple[Condition, ...]:
    return conditions_of(
        phase,
        reason,
        message,
        before=this.status.conditions,
        generation=this.generation,
        now=this.now,
    )
