"""How a job is run: the only part of the spec that may change while it runs."""

from enum import StrEnum

from pydantic import Field

from llmtrain_api.base import Section
from llmtrain_api.spec.kubernetes import ObjectName, QueueName


class Retries(Section):
    """Retries of a stage after failed attempts, by kind of failure; -1 means no limit."""

    application: int = Field(2, ge=-1, le=1000)
    """Retries after an error in the stage's own code."""
    infrastructure: int = Field(10, ge=-1, le=1000)
    """Retries after the loss of a worker, Pod or node."""
    preemption: int = Field(-1, ge=-1, le=1000)
    """Retries after a preemption, where the stage was asked to stop and stopped after a
    checkpoint."""


class BudgetAction(StrEnum):
    """What happens when the budget is spent."""

    WARN = "warn"
    """The job gets a condition, and continues."""
    SUSPEND = "suspend"
    """The job stops after a checkpoint, and continues when the budget is raised."""
    FAIL = "fail"
    """The job stops after a checkpoint, and fails."""


class Budget(Section):
    """Limit on what the job may cost. It needs prices in the operator's settings."""

    max_usd: float = Field(gt=0, le=1e9)
    """Most that the job may cost from its start to its end, in US dollars."""
    action: BudgetAction = BudgetAction.SUSPEND
    """What happens when the budget is spent: warn, suspend after a checkpoint, or fail."""


class Policy(Section):
    """How the job is run: the only part of the spec that may change while it runs."""

    suspend: bool = False
    """Whether the job stops after a checkpoint and holds no compute; false lets it continue."""
    queue_name: QueueName | None = None
    """Name of the Kueue LocalQueue that admits the job's Ray clusters."""
    priority_class_name: ObjectName | None = None
    """Name of the PriorityClass of all Pods of the job."""
    ttl_seconds_after_finished: int | None = Field(None, ge=0, le=31_536_000)
    """Seconds after its end at which the job is deleted; never where it is left out. The workspace
    stays."""
    active_deadline_seconds: int | None = Field(None, ge=1, le=31_536_000)
    """Longest time in seconds from the start, or from the last resume, to the end. Time in which a
    queue holds back the job's Ray cluster does not count."""
    scheduling_timeout_seconds: int = Field(3600, ge=10, le=31_536_000)
    """Longest time in seconds that a stage waits for its compute; then the job fails and says what
    is missing."""
    hang_timeout_seconds: int = Field(1800, ge=10, le=86400)
    """Seconds without progress after which a stage is stopped and counted as an infrastructure
    failure. A stage that ignores a stop for so long loses its Ray cluster."""
    retries: Retries = Retries()
    budget: Budget | None = None
