"""How a job is run: the only part of the spec that may change while it runs."""

from enum import StrEnum

from pydantic import Field

from llmtrain_api.base import Section
from llmtrain_api.spec.kubernetes import ObjectName, QueueName


class Retries(Section):
    """Failed attempts of a stage that are made good, by who is to blame. -1 means no limit."""

    application: int = Field(2, ge=-1, le=1000)
    """The stage raised."""
    infrastructure: int = Field(10, ge=-1, le=1000)
    """A worker, Pod or node was lost."""
    preemption: int = Field(-1, ge=-1, le=1000)
    """The stage was told to stop and stopped after a checkpoint."""


class BudgetAction(StrEnum):
    """What follows when a budget is spent."""

    WARN = "warn"
    """The job says so, and goes on."""
    SUSPEND = "suspend"
    """It stops after a checkpoint, and goes on when the budget is raised."""
    FAIL = "fail"
    """It stops after a checkpoint, and has failed."""


class Budget(Section):
    """What a job may cost. It needs prices in the operator's settings."""

    max_usd: float = Field(gt=0, le=1e9)
    """US dollars, from the job's start to its end."""
    action: BudgetAction = BudgetAction.SUSPEND
    """What follows when they are spent: warn, suspend after a checkpoint, or fail."""


class Policy(Section):
    """How a job is run: the only part of the spec that may change while it runs."""

    suspend: bool = False
    """Stop after a checkpoint and hold no compute; false continues."""
    queue_name: QueueName | None = None
    """Kueue's LocalQueue that admits the job's Ray clusters."""
    priority_class_name: ObjectName | None = None
    """PriorityClass of all Pods of the job."""
    ttl_seconds_after_finished: int | None = Field(None, ge=0, le=31_536_000)
    """The job is deleted so long after its end; never where it is left out. Its workspace stays."""
    active_deadline_seconds: int | None = Field(None, ge=1, le=31_536_000)
    """Longest time from the start, or from the last resume, to the end. Time in which a queue holds
    the job's Ray cluster back does not count."""
    scheduling_timeout_seconds: int = Field(3600, ge=10, le=31_536_000)
    """Longest time that a stage waits for its compute; then the job fails and says what is missing.
    """
    hang_timeout_seconds: int = Field(1800, ge=10, le=86400)
    """A stage that makes no progress for so long is stopped and counted as an infrastructure
    failure. One that was told to stop, and still runs after so long, loses its Ray cluster."""
    retries: Retries = Retries()
    budget: Budget | None = None
