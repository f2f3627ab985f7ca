"""The use of a job's time: every second is in one bucket."""

from enum import StrEnum
from typing import Annotated

from pydantic import Field

from llmtrain_api.base import Record, Timestamp
from llmtrain_api.stages import Stage

INTERVALS_MAX_ITEMS = 64
_LONGEST_SECONDS = 1e10
"""Limit of 317 years, so that sums stay finite."""


class WorkSeconds(Record):
    """How one attempt has used its time, in seconds, as its driver measures it."""

    start_up: float = Field(0, ge=0, le=_LONGEST_SECONDS)
    """Time from the start of the driver's process to its first work."""
    restore: float = Field(0, ge=0, le=_LONGEST_SECONDS)
    """Time spent loading a checkpoint, in seconds."""
    data_wait: float = Field(0, ge=0, le=_LONGEST_SECONDS)
    """Time spent waiting for a batch, in seconds."""
    productive: float = Field(0, ge=0, le=_LONGEST_SECONDS)
    """Time spent in optimizer steps or, in a stage that does not train, all of its work."""
    uncommitted: float = Field(0, ge=0, le=_LONGEST_SECONDS)
    """Part of `productive` since the newest committed checkpoint; it is lost if the attempt
    fails."""
    checkpoint_save: float = Field(0, ge=0, le=_LONGEST_SECONDS)
    """Time spent writing checkpoints, and the model at the end."""
    evaluation: float = Field(0, ge=0, le=_LONGEST_SECONDS)
    """Time spent on validation between steps."""
    other: float = Field(0, ge=0, le=_LONGEST_SECONDS)
    """Rest of the attempt's time, in seconds."""

    @property
    def total(self) -> float:
        """All of its time."""
        counted_twice = self.uncommitted
        return float(sum(self.model_dump().values())) - counted_twice


class Seconds(Record):
    """A length of time split into buckets that sum to it, in seconds."""

    queued: float = Field(0, ge=0)
    """Time before the job got compute: a queue had not admitted it, the cluster had no room, or no
    reconcile had seen it."""
    provisioning: float = Field(0, ge=0)
    """Time in which the Ray cluster was being created."""
    start_up: float = Field(0, ge=0)
    """Time from the start of an attempt to its first work."""
    restore: float = Field(0, ge=0)
    """Time spent loading a checkpoint, in seconds."""
    data_wait: float = Field(0, ge=0)
    """Time spent waiting for a batch, in seconds."""
    productive: float = Field(0, ge=0)
    """Time spent on work that was kept."""
    checkpoint_save: float = Field(0, ge=0)
    """Time spent writing checkpoints, and the model at the end."""
    lost_work: float = Field(0, ge=0)
    """Time spent on work after the last committed checkpoint of an attempt that failed; that work
    is done again."""
    evaluation: float = Field(0, ge=0)
    """Time spent on validation between steps."""
    suspended: float = Field(0, ge=0)
    """Time in which a person, a queue or the budget held the job suspended."""
    other: float = Field(0, ge=0)
    """Time between attempts, and while they end."""

    @property
    def total(self) -> float:
        """The whole."""
        return float(sum(self.model_dump().values()))

    def plus(self, more: "Seconds") -> "Seconds":
        """Both together, part by part; exact to a millisecond."""
        parts = type(self).model_fields
        return Seconds(**{p: round(getattr(self, p) + getattr(more, p), 3) for p in parts})


class Activity(StrEnum):
    """What a job is doing during an interval."""

    QUEUED = "queued"
    """The job waits for admission or for room in the cluster."""
    PROVISIONING = "provisioning"
    """The job waits for its Ray cluster."""
    WORKING = "working"
    """An attempt of a stage is running."""
    WAITING = "waiting"
    """The job waits for anything else: for its next attempt, or for a Ray cluster to go away."""
    SUSPENDED = "suspended"
    """The job is suspended and holds no compute."""


class Interval(Record):
    """A stretch of the job's life in which it did one thing."""

    activity: Activity
    """What the job did: queued, provisioning, working, waiting or suspended."""
    start: Timestamp
    """Time at which the interval began, which is when the one before it ended."""
    end: Timestamp | None = None
    """Time at which the interval ended; absent while it lasts."""
    stage: Stage | None = None
    """Stage whose attempt was running, in an interval of work."""
    attempt: int | None = Field(None, ge=0)
    """Number of the attempt that was running, counted from 0."""
    driver_start: Timestamp | None = None
    """Time at which the attempt's driver process started."""
    work: WorkSeconds | None = None
    """Time account that the attempt's driver reported last."""
    seconds: Seconds | None = None
    """Length of the interval by bucket, once it has ended."""


class Goodput(Record):
    """How the job's time was used since its creation; docs/goodput.md defines each bucket."""

    observed_time: Timestamp
    """Time up to which the seconds and ratios count. They are renewed every few minutes, and at
    each change of the job."""
    seconds: Seconds
    """All of the job's time up to `observedTime`, by bucket."""
    runtime_ratio: float = Field(0, ge=0, le=1)
    """Share of productive time in the time in which the job held compute, 0 to 1."""
    end_to_end_ratio: float = Field(0, ge=0, le=1)
    """Share of productive time in all of the job's time, 0 to 1."""
    intervals: Annotated[tuple[Interval, ...], Field(max_length=INTERVALS_MAX_ITEMS)] = ()
    """Newest intervals of the job's life, in order."""
    earlier: Seconds = Seconds()
    """Sum of the older intervals, which are no longer listed."""
