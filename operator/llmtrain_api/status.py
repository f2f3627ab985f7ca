"""What a job says about itself: the status subresource, and a file in a laptop's workspace."""

from enum import StrEnum
from typing import Annotated, Self

from pydantic import Field, StringConstraints, model_validator

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
RUNS_MAX_ITEMS = 1
"""A stage has one run; a policy for several runs raises the limit."""

Reason = Annotated[str, StringConstraints(max_length=REASON_MAX_LENGTH)]
Uid = Annotated[str, StringConstraints(max_length=63)]
Message = Annotated[str, StringConstraints(max_length=MESSAGE_MAX_LENGTH)]


class Phase(StrEnum):
    """Summary of where the job stands."""

    QUEUED = "Queued"
    """A queue holds back the job's Ray cluster."""
    PENDING = "Pending"
    """No stage runs: the job waits for its Ray cluster or for its next attempt, or it is refused.
    The conditions say which."""
    STARTING = "Starting"
    """An attempt of a stage is about to run."""
    RUNNING = "Running"
    """A stage is running."""
    SUSPENDED = "Suspended"
    """The job stopped after a checkpoint, by `policy.suspend` or by Ctrl-C; it continues from
    there."""
    SUCCEEDED = "Succeeded"
    """Every stage has succeeded. Final."""
    FAILED = "Failed"
    """A stage failed for good; the conditions say why. Final."""

    @property
    def terminal(self) -> bool:
        """Whether nothing revives the job."""
        return self in {Phase.SUCCEEDED, Phase.FAILED}

    @property
    def active(self) -> bool:
        """Whether the job runs, or waits to."""
        return self.waiting or self is Phase.RUNNING

    @property
    def waiting(self) -> bool:
        """Whether no stage runs yet, and the job goes on by itself."""
        return self in {Phase.QUEUED, Phase.PENDING, Phase.STARTING}


class StageState(StrEnum):
    """State of a stage."""

    PENDING = "Pending"
    """The stage has not begun, or waits for its next attempt."""
    STARTING = "Starting"
    """An attempt is recorded; its submission may not exist yet."""
    RUNNING = "Running"
    """The submission is running."""
    STOPPING = "Stopping"
    """The submission was asked to stop and has not ended yet."""
    SUCCEEDED = "Succeeded"
    """The stage has succeeded."""
    FAILED = "Failed"
    """The stage failed and has no retry left."""

    @property
    def at_work(self) -> bool:
        """Whether an attempt may live."""
        return self in {StageState.STARTING, StageState.RUNNING, StageState.STOPPING}


class ConditionStatus(StrEnum):
    """Whether a condition holds: True, False or Unknown."""

    TRUE = "True"
    FALSE = "False"
    UNKNOWN = "Unknown"


class Condition(Record):
    """One observation about the job, by the Kubernetes API conventions."""

    type: Annotated[str, StringConstraints(max_length=64)]
    """Type of the condition, such as Running or Ready."""
    status: ConditionStatus
    """Whether the condition holds: True, False or Unknown."""
    reason: Reason
    """Cause of the status as one CamelCase word, for programs."""
    message: Message
    """Explanation for people: what happened, and what to do about it."""
    observed_generation: int = Field(ge=0)
    """Generation of the spec that the condition was observed for."""
    last_transition_time: Timestamp
    """Time at which the `status` of the condition changed last."""


class Failures(Record):
    """Number of failed attempts of a run, by kind of failure."""

    user: int = 0
    """Failures caused by wrong configuration or data."""
    application: int = 0
    """Failures caused by an error in the stage's own code."""
    infrastructure: int = 0
    """Failures caused by the loss of a worker, Pod or node."""
    preemption: int = 0
    """Preemptions, where the stage was asked to stop and stopped after a checkpoint."""


class LostPod(Record):
    """A Pod that was lost while a stage ran on it."""

    name: Annotated[str, StringConstraints(max_length=253)]
    """Name of the Pod that was lost."""
    uid: Uid = ""
    """UID of the lost Pod, which differs from that of other Pods with its name."""
    reason: Reason
    """Cause of the loss as one CamelCase word: `OOMKilled`, `PodPreempted`."""
    message: Message
    """Explanation for people: how the Pod was lost, and what to do about it."""
    time: Timestamp
    """Time at which the Pod was lost."""


class Attempt(Record):
    """One attempt of a stage: a Ray job, recorded before it is submitted."""

    number: int = Field(ge=0)
    """Number of the attempt, counted from 0."""
    submission_id: Annotated[str, StringConstraints(max_length=253)]
    """ID of the Ray job that runs the attempt."""
    start_time: Timestamp
    """Time at which the attempt was recorded."""
    stop_time: Timestamp | None = None
    """Time at which the attempt was asked to stop; absent once it has ended."""
    lost_pod: LostPod | None = None
    """Most severe loss of a Pod during the attempt; if the attempt fails, this is its cause. Absent
    once the attempt has ended."""


class StageRun(Record):
    """One run of a stage: its attempts, one after the other, until one of them succeeds."""

    state: StageState = StageState.PENDING
    """State of the run."""
    attempt: Attempt | None = None
    """The newest attempt; absent before the first."""
    start_time: Timestamp | None = None
    """Time at which the first attempt was recorded."""
    completion_time: Timestamp | None = None
    """Time at which the run succeeded or failed for good."""
    retry_time: Timestamp | None = None
    """Earliest time of the next attempt: the wait after a failure."""
    reason: Reason | None = None
    """How the newest finished attempt ended, as one CamelCase word for programs."""
    message: Message | None = None
    """Explanation for people: how the newest finished attempt ended, and what to do about it."""
    failures: Failures = Failures()

    @property
    def live_attempt(self) -> Attempt | None:
        """The attempt that may live; None where none does."""
        return self.attempt if self.state.at_work else None

    @property
    def next_attempt(self) -> int:
        """Number of the attempt after the newest, which is the number of attempts so far."""
        return 0 if self.attempt is None else self.attempt.number + 1

    @model_validator(mode="after")
    def _has_the_attempt_at_work(self) -> Self:
        if self.state.at_work and self.attempt is None:
            raise ValueError(f"a run that is {self.state} should have an attempt; it has none")
        return self


class StageStatus(Record):
    """Status of one stage of the job."""

    name: Stage
    runs: Annotated[tuple[StageRun, ...], Field(min_length=1, max_length=RUNS_MAX_ITEMS)]
    """Runs of the stage, in order; each stage has exactly one."""

    @property
    def run(self) -> StageRun:
        """The only run of the stage."""
        (run,) = self.runs
        return run

    def with_run(self, run: StageRun) -> Self:
        """The stage with another state of its only run."""
        return self.replace(runs=(run,))

    @property
    def state(self) -> StageState:
        """State of the stage: that of its run."""
        return self.run.state

    @property
    def start_time(self) -> Timestamp | None:
        """Time at which the first attempt was recorded; None before."""
        return self.run.start_time

    @property
    def completion_time(self) -> Timestamp | None:
        """Time at which the stage succeeded or failed for good; None before."""
        return self.run.completion_time


class Progress(StatusMetrics):
    """Progress of the job, with the newest measurements of the stage that runs or ran last."""

    percent: Annotated[
        float, Field(ge=0, le=100), Metric("progress_ratio", driver=False, job=True, divisor=100)
    ]
    """Share of the whole pipeline that is done, in percent."""
    stage: Stage
    """The stage that runs, or ran last."""
    stage_percent: float = Field(ge=0, le=100)
    """Share of the stage that is done, in percent."""
    activity: Annotated[str, StringConstraints(max_length=ACTIVITY_MAX_LENGTH)] | None = None
    """What the stage is doing, for people."""
    pipeline_eta_seconds: Annotated[float | None, Metric("eta_seconds", driver=False, job=True)] = (
        None
    )
    """Time until the end of the pipeline, in seconds, by the speed so far."""
    heartbeat_time: Timestamp | None = None
    """Time of the newest sign of work that this status has seen."""


class EvaluationResult(Record):
    """One metric that the evaluate stage measured."""

    name: Annotated[str, StringConstraints(max_length=253)]
    """Name of the metric, such as `bitsPerByte` or `heldOutDocs/accuracy`."""
    model: Annotated[str, StringConstraints(max_length=64)]
    """Name of the model that was measured: `initial`, `pretrained` or `finetuned`."""
    value: float
    """Measured value of the metric."""
    standard_error: float | None = None
    """Standard error of the value, where the metric is a mean over samples."""


class ClusterStatus(Record):
    """The Ray cluster that the job holds; it is recorded before it is created."""

    name: Annotated[str, StringConstraints(max_length=63)]
    """Name of the RayCluster object."""
    group: StageGroup
    """Stage group that the Ray cluster runs."""
    generation: int = Field(ge=0)
    """Number of the job's Ray cluster, counted from 0."""
    waiting_since: Timestamp | None = None
    """Time since which a stage waits for the Ray cluster; `policy.schedulingTimeoutSeconds` counts
    from it."""
    released: bool = False
    """Whether the Ray cluster was given back; the next one gets another name."""
    trainer_version: Annotated[str, StringConstraints(max_length=32)] | None = None
    """Minor version of llmtrain in the Ray cluster's trainer image, for which run configs are
    written. It is the version of the operator that recorded the cluster; 0.1 recorded none."""
    earlier_lost_pods: Annotated[tuple[Uid, ...], Field(max_length=LOST_PODS_MAX_ITEMS)] = ()
    """UIDs of Pods of the Ray cluster that were lost before the running attempt, or the wait for
    compute, began; they do not explain its failure."""


class StageTokens(Record):
    """Tokens of a training stage's own data, counted before the stage runs."""

    stage: Stage
    """Name of the training stage."""
    tokens: int = Field(ge=0, le=10**18)
    """Approximate number of tokens in one pass over the stage's data."""


CountedTokens = Annotated[
    tuple[StageTokens, ...], Field(max_length=16, json_schema_extra=keyed_by("stage"))
]


def by_stage(counted: CountedTokens) -> dict[Stage, int]:
    """Counted tokens of each stage."""
    return {each.stage: each.tokens for each in counted}


class PlannedStage(Record):
    """What the planner expects of a training stage."""

    name: Stage
    """Name of the planned stage."""
    flops_per_token: int = Field(ge=0)
    """FLOPs of the forward and backward pass for each token."""
    tokens: int | None = None
    """Number of tokens to train on; absent until the data has been counted."""
    duration_seconds: float | None = None
    """Expected duration in seconds, at the planner's assumptions."""


class JobPlan(Record):
    """What the planner expects of the job."""

    device: Annotated[str, StringConstraints(max_length=64)] | None = None
    """Assumed device of the trainers: a GPU of the planner's table, or `cpu`."""
    mfu: float = Field(ge=0, le=1)
    """Assumed model FLOPs utilization, 0 to 1; recomputed activations count once."""
    counted_tokens: CountedTokens = ()
    """Tokens of those training stages that bring data of their own, once they have been counted."""
    stages: Annotated[tuple[PlannedStage, ...], Field(max_length=16)] = ()
    """Plans of the training stages."""
    flops_per_second: float | None = None
    """Measured model FLOPs per second of all workers together, in the newest step."""

    def stage(self, name: Stage) -> PlannedStage | None:
        """The plan of one stage; None where there is none."""
        return next((stage for stage in self.stages if stage.name is name), None)


class JobStatus(Record):
    """Observed state of the job, written by the operator once per reconcile."""

    observed_generation: int = Field(0, ge=0)
    """Generation of the spec that this status describes."""
    phase: Phase = Phase.PENDING
    conditions: Annotated[
        tuple[Condition, ...], Field(max_length=16, json_schema_extra=keyed_by("type"))
    ] = ()
    """Observations about the job, for `kubectl wait --for=condition=`."""
    start_time: Timestamp | None = None
    """Time at which the first attempt was recorded."""
    active_time: Timestamp | None = None
    """Time from which `policy.activeDeadlineSeconds` counts: the start or the last resume, moved on
    by the time spent in a queue since."""
    queued_since: Timestamp | None = None
    """Time since which a queue holds back the job's Ray cluster; absent where none does. The
    deadline's clock stands still meanwhile."""
    completion_time: Timestamp | None = None
    """Time at which the job succeeded or failed."""
    stages: Annotated[
        tuple[StageStatus, ...], Field(max_length=16, json_schema_extra=keyed_by("name"))
    ] = ()
    """Status of each stage that the spec asks for, in order."""
    cluster: ClusterStatus | None = None
    progress: Progress | None = None
    plan: JobPlan | None = None
    goodput: Goodput | None = None
    cost: Cost | None = None
    evaluation: Annotated[tuple[EvaluationResult, ...], Field(max_length=EVALUATION_MAX_ITEMS)] = ()
    """Metrics that the evaluate stage measured."""

    def stage(self, name: Stage) -> StageStatus:
        """The status of one stage; pending where it was never touched."""
        pending = StageStatus(name=name, runs=(StageRun(),))
        return next((s for s in self.stages if s.name is name), pending)
