"""What a job says about itself: the status subresource, and a file in a laptop's workspace."""

from enum import StrEnum
from typing import Annotated

from pydantic import Field, StringConstraints

from llmtrain_api.base import Record
from llmtrain_api.stages import Stage

Message = Annotated[str, StringConstraints(max_length=4096)]
Timestamp = Annotated[str, StringConstraints(max_length=32)]
"""RFC 3339 in UTC, to the second, as Kubernetes writes it: `2026-01-31T12:00:00Z`."""


class Phase(StrEnum):
    """Where a job stands, in a word."""

    PENDING = "Pending"
    RUNNING = "Running"
    SUSPENDED = "Suspended"
    """Stopped after a checkpoint, by `policy.suspend` or by Ctrl-C; it continues where it was."""
    SUCCEEDED = "Succeeded"
    FAILED = "Failed"

    @property
    def terminal(self) -> bool:
        """Whether nothing revives the job."""
        return self in {Phase.SUCCEEDED, Phase.FAILED}


class StageState(StrEnum):
    """Where a stage stands."""

    PENDING = "Pending"
    STARTING = "Starting"
    """Its attempt is recorded; its submission may not exist yet."""
    RUNNING = "Running"
    STOPPING = "Stopping"
    """Told to stop; the end of its submission is awaited."""
    SUCCEEDED = "Succeeded"
    FAILED = "Failed"


class ConditionStatus(StrEnum):
    """Whether a condition holds."""

    TRUE = "True"
    FALSE = "False"
    UNKNOWN = "Unknown"


class Condition(Record):
    """One observation, by the Kubernetes API conventions."""

    type: Annotated[str, StringConstraints(max_length=64)]
    status: ConditionStatus
    reason: Annotated[str, StringConstraints(max_length=128)]
    """CamelCase, for programs."""
    message: Message
    """For people: what happened, and what to do about it."""
    observed_generation: int = Field(ge=0)
    last_transition_time: Timestamp


class Failures(Record):
    """Failed attempts of a stage by class."""

    user: int = 0
    application: int = 0
    infrastructure: int = 0
    preemption: int = 0


class StageStatus(Record):
    """One stage of the line."""

    name: Stage
    state: StageState = StageState.PENDING
    attempt: int = Field(0, ge=0)
    submission_id: Annotated[str, StringConstraints(max_length=253)] | None = None
    """The Ray job of the attempt; written before anything is submitted."""
    start_time: Timestamp | None = None
    """Of the first attempt."""
    attempt_time: Timestamp | None = None
    """When the attempt was recorded."""
    completion_time: Timestamp | None = None
    reason: Annotated[str, StringConstraints(max_length=128)] | None = None
    message: Message | None = None
    failures: Failures = Failures()


class Progress(Record):
    """How far the job is."""

    percent: float = Field(ge=0, le=100)
    """Of the whole line."""
    stage: Stage
    stage_percent: float = Field(ge=0, le=100)
    step: int | None = None
    total_steps: int | None = None
    tokens: int | None = None
    loss: float | None = None
    validation_bits_per_byte: float | None = None
    tokens_per_second: float | None = None
    eta_seconds: float | None = None
    checkpoint_step: int | None = None


class EvaluationResult(Record):
    """One metric of the evaluation."""

    name: Annotated[str, StringConstraints(max_length=253)]
    """`bitsPerByte`, `heldOutDocs/accuracy`."""
    model: Annotated[str, StringConstraints(max_length=64)]
    """Which model of the line was measured: `initial`, `pretrained`, `finetuned`."""
    value: float
    standard_error: float | None = None


class JobStatus(Record):
    """The status of a job, written once a pass and last."""

    observed_generation: int = Field(0, ge=0)
    phase: Phase = Phase.PENDING
    conditions: Annotated[tuple[Condition, ...], Field(max_length=16)] = ()
    start_time: Timestamp | None = None
    completion_time: Timestamp | None = None
    stages: Annotated[tuple[StageStatus, ...], Field(max_length=16)] = ()
    progress: Progress | None = None
    evaluation: Annotated[tuple[EvaluationResult, ...], Field(max_length=256)] = ()

    def stage(self, name: Stage) -> StageStatus:
        """The status of one stage; pending where it was never touched."""
        return next((s for s in self.stages if s.name is name), StageStatus(name=name))
