"""Where a job's time goes: every second of it is in one bucket."""

from enum import StrEnum
from typing import Annotated

from pydantic import Field

from llmtrain_api.base import Record, Timestamp
from llmtrain_api.stages import Stage

INTERVALS_MAX_ITEMS = 64
_LONGEST_SECONDS = 1e10
"""317 years: whoever claims more is wrong, and sums stay finite."""


class WorkSeconds(Record):
    """What one attempt has done with its time, as its driver measures it; in seconds."""

    start_up: float = Field(0, ge=0, le=_LONGEST_SECONDS)
    """From the start of its process to its first work."""
    restore: float = Field(0, ge=0, le=_LONGEST_SECONDS)
    """Loading a checkpoint."""
    data_wait: float = Field(0, ge=0, le=_LONGEST_SECONDS)
    """Waiting for a batch."""
    productive: float = Field(0, ge=0, le=_LONGEST_SECONDS)
    """Optimizer steps; in a stage that does not train, its work."""
    uncommitted: float = Field(0, ge=0, le=_LONGEST_SECONDS)
    """Of `productive`: since the newest committed checkpoint. Lost where the attempt fails."""
    checkpoint_save: float = Field(0, ge=0, le=_LONGEST_SECONDS)
    """Writing checkpoints, and the model at the end."""
    evaluation: float = Field(0, ge=0, le=_LONGEST_SECONDS)
    """Validation between steps."""
    other: float = Field(0, ge=0, le=_LONGEST_SECONDS)
    """What is left of its time."""

    @property
    def total(self) -> float:
        """All of its time."""
        told_twice = self.uncommitted
        return float(sum(self.model_dump().values())) - told_twice


class Seconds(Record):
    """A time in parts, which sum to the whole."""

    queued: float = Field(0, ge=0)
    """The queue has not admitted it, the cluster has no room, or nobody has looked at it yet."""
    provisioning: float = Field(0, ge=0)
    """A Ray cluster is on its way."""
    start_up: float = Field(0, ge=0)
    """An attempt has started, and has not done any work yet."""
    restore: float = Field(0, ge=0)
    """Loading a checkpoint."""
    data_wait: float = Field(0, ge=0)
    """Waiting for a batch."""
    productive: float = Field(0, ge=0)
    """Work that was kept."""
    checkpoint_save: float = Field(0, ge=0)
    """Writing checkpoints."""
    lost_work: float = Field(0, ge=0)
    """Work after the last committed checkpoint of an attempt that failed: it is done again."""
    evaluation: float = Field(0, ge=0)
    """Validation between steps."""
    suspended: float = Field(0, ge=0)
    """By a person, a queue or a budget."""
    other: float = Field(0, ge=0)
    """Between attempts, and while they end."""

    @property
    def total(self) -> float:
        """The whole."""
        return float(sum(self.model_dump().values()))

    def plus(self, more: "Seconds") -> "Seconds":
        """Both together, part by part; exact to a millisecond."""
        parts = type(self).model_fields
        return Seconds(**{p: round(getattr(self, p) + getattr(more, p), 3) for p in parts})


class Activity(StrEnum):
    """What a job is at."""

    QUEUED = "queued"
    """It waits for room."""
    PROVISIONING = "provisioning"
    """It waits for its Ray cluster."""
    WORKING = "working"
    """An attempt of a stage is at work."""
    WAITING = "waiting"
    """It waits for anything else: to try again, or for a cluster to go."""
    SUSPENDED = "suspended"
    """It holds no compute."""


class Interval(Record):
    """A stretch of a job's life in which it was at one thing."""

    activity: Activity
    """Which."""
    start: Timestamp
    """When it began: when the one before it ended."""
    end: Timestamp | None = None
    """When it ended; absent while it goes on."""
    stage: Stage | None = None
    """Whose attempt was at work."""
    attempt: int | None = Field(None, ge=0)
    """Which attempt, counted from 0."""
    driver_start: Timestamp | None = None
    """When the attempt's process began."""
    work: WorkSeconds | None = None
    """What its driver told last."""
    seconds: Seconds | None = None
    """Its time in parts, once it has ended."""


class Goodput(Record):
    """Where the job's time went, from its creation on; docs/goodput.md defines each part."""

    observed_time: Timestamp
    """Until when `seconds` and the ratios count: now and then, and with each turn of the job."""
    seconds: Seconds
    """All of the job's time until then."""
    runtime_ratio: float = Field(0, ge=0, le=1)
    """Share of productive time in the time in which compute was held."""
    end_to_end_ratio: float = Field(0, ge=0, le=1)
    """Share of productive time in the whole time."""
    intervals: Annotated[tuple[Interval, ...], Field(max_length=INTERVALS_MAX_ITEMS)] = ()
    """The newest stretches, in order."""
    earlier: Seconds = Seconds()
    """The stretches before those, together."""
