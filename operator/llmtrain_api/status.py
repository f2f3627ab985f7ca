"""What a job says about itself: the status subresource, and a file in a laptop's workspace."""

from enum import StrEnum
from typing import Annotated

from pydantic import Field, StringConstraints

from llmtrain_api.base import Record, Timestamp, keyed_by
from llmtrain_api.cost import Cost
from llmtrain_api.goodput import Goodput
from llmtrain_api.stages import Stage, StageGroup
from llmtrain_api.training_metrics import Metric, StatusMetrics

REASON_MAX_LENGTH = 128
MESSAGE_MAX_LENGTH = 4096
ACTIVITY_MAX_LENGTH = 256
EVALUATION_MAX_ITEMS = 256
LOST_PODS_MAX_ITEMS = 1000

Reason = Annotated[str, StringConstraints(max_length=REASON_MAX_LENGTH)]
Uid = Annotated[str, StringConstraints(max_length=63)]
Message = Annotated[str, StringConstraints(max_length=MESSAGE_MAX_LENGTH)]


class Phase(StrEnum):
    """Where a job stands, in a word."""

    PENDING = "Pending"
    """No stage runs: the job waits for a queue, for its Ray cluster or for its next attempt, or it
    is refused. The conditions say which."""
    RUNNING = "Running"
    """A stage runs."""
    SUSPENDED = "Suspended"
    """Stopped after a checkpoint, by `policy.suspend` or by Ctrl-C; it continues where it was."""
    SUCCEEDED = "Succeeded"
    """Every stage is done. Final."""
    FAILED = "Failed"
    """A stage failed for good; the conditions say why. Final."""

    @property
    def terminal(self) -> bool:
        """Whether nothing revives the job."""
        return self in {Phase.SUCCEEDED, Phase.FAILED}

    @property
    def active(self) -> bool:
        """Whether the job runs, or waits to."""
        return self in {Phase.PENDING, Phase.RUNNING}


class StageState(StrEnum):
    """Where a stage stands."""

    PENDING = "Pending"
    """Its turn has not come, or its next attempt is awaited."""
    STARTING = "Starting"
    """Its attempt is recorded; its submission may not exist yet."""
    RUNNING = "Running"
    """Its submission works."""
    STOPPING = "Stopping"
    """Told to stop; the end of its submission is awaited."""
    SUCCEEDED = "Succeeded"
    """Done."""
    FAILED = "Failed"
    """Failed with no retry left."""

    @property
    def at_work(self) -> bool:
        """Whether an attempt may live."""
        return self in {StageState.STARTING, StageState.RUNNING, StageState.STOPPING}


class ConditionStatus(StrEnum):
    """Whether a condition holds."""

    TRUE = "True"
    FALSE = "False"
    UNKNOWN = "Unknown"


class Condition(Record):
    """One observation, by the Kubernetes API conventions."""

    type: Annotated[str, StringConstraints(max_length=64)]
    """What is observed."""
    status: ConditionStatus
    reason: Reason
    """CamelCase, for programs."""
    message: Message
    """For people: what happened, and what to do about it."""
    observed_generation: int = Field(ge=0)
    """Generation of the spec that it was observed for."""
    last_transition_time: Timestamp
    """When `status` changed."""


class Failures(Record):
    """Failed attempts of a stage by class."""

    user: int = 0
    """The configuration or the data was wrong."""
    application: int = 0
    """The stage raised."""
    infrastructure: int = 0
    """A worker, Pod or node was lost."""
    preemption: int = 0
    """The stage was told to stop and stopped after a checkpoint."""


class LostPod(Record):
    """A Pod that went away while a stage worked on it."""

    name: Annotated[str, StringConstraints(max_length=253)]
    """Of the Pod."""
    uid: Uid = ""
    """Tells the Pod from others of its name."""
    reason: Reason
    """What became of it, in CamelCase: `OOMKilled`, `PodPreempted`."""
    message: Message
    """The same for people, and what to do about it."""
    time: Timestamp
    """When."""


class StageStatus(Record):
    """One stage of the line."""

    name: Stage
    state: StageState = StageState.PENDING
    attempt: int = Field(0, ge=0)
    """The newest attempt, counted from 0."""
    submission_id: Annotated[str, StringConstraints(max_length=253)] | None = None
    """The Ray job of the attempt; written before anything is submitted."""
    start_time: Timestamp | None = None
    """Of the first attempt."""
    attempt_time: Timestamp | None = None
    """When the attempt was recorded."""
    completion_time: Timestamp | None = None
    """When it succeeded or failed for good."""
    stop_time: Timestamp | None = None
    """When the attempt that is at work was told to stop."""
    retry_time: Timestamp | None = None
    """No attempt starts before it: the wait after a failure."""
    reason: Reason | None = None
    """How the newest attempt that ended did end; CamelCase, for programs."""
    message: Message | None = None
    """The same for people: what happened, and what to do about it."""
    failures: Failures = Failures()
    lost_pod: LostPod | None = None
    """The gravest loss of the attempt that is at work: its failure is put down to it."""


class Progress(StatusMetrics):
    """Progress of the job, with the newest measurements of the stage that runs or ran last."""

    percent: Annotated[
        float, Field(ge=0, le=100), Metric("progress_ratio", driver=False, job=True, divisor=100)
    ]
    """Share of the whole line that is done."""
    stage: Stage
    """The stage that runs, or ran last."""
    stage_percent: float = Field(ge=0, le=100)
    """Share of the stage that is done."""
    activity: Annotated[str, StringConstraints(max_length=ACTIVITY_MAX_LENGTH)] | None = None
    """What the stage is doing, for people."""
    line_eta_seconds: Annotated[float | None, Metric("eta_seconds", driver=False, job=True)] = None
    """Time until the end of the line, in seconds, by the speed so far."""
    heartbeat_time: Timestamp | None = None
    """Newest sign of work, as of the status's newest figures."""


class EvaluationResult(Record):
    """One metric of the evaluation."""

    name: Annotated[str, StringConstraints(max_length=253)]
    """`bitsPerByte`, `heldOutDocs/accuracy`."""
    model: Annotated[str, StringConstraints(max_length=64)]
    """Which model of the line was measured: `initial`, `pretrained`, `finetuned`."""
    value: float
    """What was measured."""
    standard_error: float | None = None
    """Of the value, where the metric is a mean over samples."""


class ClusterStatus(Record):
    """The Ray cluster that the job was given; written before it is made."""

    name: Annotated[str, StringConstraints(max_length=63)]
    """Of the RayCluster."""
    group: StageGroup
    """The stages that it runs."""
    generation: int = Field(ge=0)
    """Counts the job's clusters from 0."""
    waiting_since: Timestamp | None = None
    """Since when a stage waits for it: where `policy.schedulingTimeoutSeconds` counts from."""
    released: bool = False
    """Given back; the next one gets another name."""
    earlier_lost_pods: Annotated[tuple[Uid, ...], Field(max_length=LOST_PODS_MAX_ITEMS)] = ()
    """The uids of its Pods that were lost before the attempt, or the wait for its compute, began:
    neither is put down to them."""


class PlannedStage(Record):
    """What the planner expects of a stage that trains."""

    name: Stage
    """Which."""
    flops_per_token: int = Field(ge=0)
    """Of the forward and backward pass."""
    tokens: int | None = None
    """To train on; absent where the data alone tells, until it has been counted."""
    duration_seconds: float | None = None
    """At the planner's assumptions."""


class JobPlan(Record):
    """What the planner expected of the job."""

    device: Annotated[str, StringConstraints(max_length=64)] | None = None
    """What the trainers were taken to be: a GPU of the planner's table, or `cpu`."""
    mfu: float = Field(ge=0, le=1)
    """Model FLOPs utilization that was assumed; what is computed twice counts once."""
    finetune_tokens: int | None = None
    """Tokens of all conversations in one epoch, once they have been counted."""
    stages: Annotated[tuple[PlannedStage, ...], Field(max_length=16)] = ()
    """Those that train."""
    flops_per_second: float | None = None
    """Measured: model FLOPs of all workers together, in the newest step."""

    def stage(self, name: Stage) -> PlannedStage | None:
        """The plan of one stage; None where there is none."""
        return next((stage for stage in self.stages if stage.name is name), None)


class JobStatus(Record):
    """The status of a job, written once a pass and last."""

    observed_generation: int = Field(0, ge=0)
    """Generation of the spec that the status tells about."""
    phase: Phase = Phase.PENDING
    conditions: Annotated[
        tuple[Condition, ...], Field(max_length=16, json_schema_extra=keyed_by("type"))
    ] = ()
    """What holds of the job: for `kubectl wait --for=condition=`."""
    start_time: Timestamp | None = None
    """When the first attempt was recorded."""
    active_time: Timestamp | None = None
    """The start, or the last resume, moved on by the time spent in a queue since: where
    `policy.activeDeadlineSeconds` counts from."""
    queued_since: Timestamp | None = None
    """Since when a queue holds the job's Ray cluster back; absent where none does. The deadline's
    clock stands still meanwhile."""
    completion_time: Timestamp | None = None
    """When the job succeeded or failed."""
    stages: Annotated[
        tuple[StageStatus, ...], Field(max_length=16, json_schema_extra=keyed_by("name"))
    ] = ()
    """The stages that the spec asks for, in order."""
    cluster: ClusterStatus | None = None
    progress: Progress | None = None
    plan: JobPlan | None = None
    goodput: Goodput | None = None
    cost: Cost | None = None
    evaluation: Annotated[tuple[EvaluationResult, ...], Field(max_length=EVALUATION_MAX_ITEMS)] = ()
    """What the evaluate stage measured."""

    def stage(self, name: Stage) -> StageStatus:
        """The status of one stage; pending where it was never touched."""
        return next((s for s in self.stages if s.name is name), StageStatus(name=name))
