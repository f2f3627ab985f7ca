"""How a job is run: the only part of the spec that may change while it runs."""

from typing import Annotated

from pydantic import Field, StringConstraints

from llmtrain_api.base import Section


class Retries(Section):
    """Failed attempts of a stage that are made good, by who is to blame. -1 means no limit."""

    application: int = Field(2, ge=-1, le=1000)
    """The stage raised."""
    infrastructure: int = Field(10, ge=-1, le=1000)
    """A worker, Pod or node was lost."""
    preemption: int = Field(-1, ge=-1, le=1000)
    """The stage was told to stop and stopped after a checkpoint."""


class Policy(Section):
    """How a job is run: the only part of the spec that may change while it runs."""

    suspend: bool = False
    """Stop after a checkpoint and hold no compute; false continues."""
    queue_name: Annotated[str, StringConstraints(min_length=1, max_length=63)] | None = None
    """Kueue's LocalQueue that admits the job's Ray clusters."""
    priority_class_name: Annotated[str, StringConstraints(min_length=1, max_length=253)] | None = (
        None
    )
    """PriorityClass of all Pods of the job."""
    ttl_seconds_after_finished: int | None = Field(None, ge=0, le=31_536_000)
    """The job is deleted so long after its end; never where it is left out. Its workspace stays."""
    active_deadline_seconds: int | None = Field(None, ge=1, le=31_536_000)
    """Longest time from the start, or from the last resume, to the end."""
    scheduling_timeout_seconds: int = Field(3600, ge=10, le=31_536_000)
    """Longest time that a stage waits for its compute; then the job fails and says what is missing.
    """
    hang_timeout_seconds: int = Field(1800, ge=10, le=86400)
    """A stage that makes no progress for so long is stopped and counted as an infrastructure
    failure."""
    retries: Retries = Retries()
