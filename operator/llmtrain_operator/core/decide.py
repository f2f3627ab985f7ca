"""One reconcile pass: from the job, its status and what is there, to what is to be done.

The decision is level-triggered: it asks what holds, never what happened, so a pass that was lost,
doubled or late changes nothing. An attempt stands in the written status before it is submitted;
the next attempt is recorded only when the last has ended. So there is never more than one.
"""

from datetime import datetime

from llmtrain_api.spec.job import LLMTrainingJob
from llmtrain_api.status import Condition, JobStatus, Phase, StageState, StageStatus
from llmtrain_operator.core.attempt import Step, advance
from llmtrain_operator.core.conditions import conditions_of
from llmtrain_operator.core.decision import Decision, EnsureCluster
from llmtrain_operator.core.policies.hang import is_report_of
from llmtrain_operator.core.progress import finished_progress, line_progress
from llmtrain_operator.core.reconcile_pass import Pass
from llmtrain_operator.core.settings import Settings
from llmtrain_operator.core.snapshot import Snapshot
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
    if status.phase.terminal:
        return Decision(status, this.release)
    stages = tuple(status.stage(name) for name in job.spec.stages)
    current = next((s for s in stages if s.state is not StageState.SUCCEEDED), None)
    if current is None:
        return _finish(this, stages)
    if current.state is StageState.PENDING and this.wants_stop:
        return _suspended(this, stages)
    step = _step(this, current)
    stages = tuple(step.stage if s.name is current.name else s for s in stages)
    if step.stage.state is StageState.FAILED:
        return _failed(this, stages, step)
    return Decision(
        _running_status(this, stages, step),
        step.actions,
        step.requeue_after_seconds,
    )


def _step(this: Pass, current: StageStatus) -> Step:
    if not this.snapshot.cluster_ready and current.state in {
        StageState.PENDING,
        StageState.STARTING,
    }:
        return Step(current, (EnsureCluster(),), message=f"waiting for Ray to run {current.name}")
    return advance(this, current)


def _running_status(this: Pass, stages: tuple[StageStatus, ...], step: Step) -> JobStatus:
    report = this.snapshot.progress
    if report is not None and not is_report_of(report, step.stage, this.uid):
        report = None
    resumed = this.status.phase is Phase.SUSPENDED or this.status.active_time is None
    return this.status.model_copy(
        update={
            "observed_generation": this.generation,
            "phase": Phase.RUNNING,
            "start_time": this.status.start_time or write_time(this.now),
            "active_time": write_time(this.now) if resumed else this.status.active_time,
            "stages": stages,
            "progress": line_progress(stages, step.stage, report),
            "evaluation": step.evaluation or this.status.evaluation,
            "conditions": _conditions(this, Phase.RUNNING, step.reason, step.message),
        }
    )


def _suspended(this: Pass, stages: tuple[StageStatus, ...]) -> Decision:
    cause = "policy.suspend is set" if this.job.spec.policy.suspend else "it was interrupted"
    message = f"{cause}; it goes on from its newest checkpoint when it is resumed"
    status = this.status.model_copy(
        update={
            "observed_generation": this.generation,
            "phase": Phase.SUSPENDED,
            "stages": stages,
            "conditions": _conditions(this, Phase.SUSPENDED, "Suspended", message),
        }
    )
    return Decision(status, this.release)


def _failed(this: Pass, stages: tuple[StageStatus, ...], step: Step) -> Decision:
    reason = step.stage.reason or "StageFailed"
    message = f"{step.stage.name}: {step.stage.message or 'the stage failed'}"
    status = this.status.model_copy(
        update={"evaluation": step.evaluation or this.status.evaluation}
    )
    return _end(this, status, stages, Phase.FAILED, reason, message)


def _finish(this: Pass, stages: tuple[StageStatus, ...]) -> Decision:
    status = this.status.model_copy(update={"progress": finished_progress(stages)})
    message = "all stages have succeeded"
    return _end(this, status, stages, Phase.SUCCEEDED, "Completed", message)


def _end(
    this: Pass,
    status: JobStatus,
    stages: tuple[StageStatus, ...],
    phase: Phase,
    reason: str,
    message: str,
) -> Decision:
    """The last status of a job; nothing revives it."""
    ended = status.model_copy(
        update={
            "observed_generation": this.generation,
            "phase": phase,
            "completion_time": write_time(this.now),
            "stages": stages,
            "conditions": _conditions(this, phase, reason, message),
        }
    )
    return Decision(ended, this.release)


def _conditions(this: Pass, phase: Phase, reason: str, message: str) -> tuple[Condition, ...]:
    return conditions_of(
        phase,
        reason,
        message,
        before=this.status.conditions,
        generation=this.generation,
        now=this.now,
    )
