"""What a driver says about itself while its stage runs."""

from collections.abc import Iterable
from itertools import islice
from typing import Annotated

from pydantic import Field, StringConstraints

from llmtrain_api.base import Record
from llmtrain_api.goodput import WorkSeconds
from llmtrain_api.stages import Stage

WARNINGS_MAX_ITEMS = 16
WARNING_MAX_LENGTH = 500

Warnings = Annotated[
    tuple[Annotated[str, StringConstraints(max_length=WARNING_MAX_LENGTH)], ...],
    Field(max_length=WARNINGS_MAX_ITEMS),
]
"""What a person should look at although the stage goes on, a sentence each."""


def bounded_warnings(texts: Iterable[str]) -> tuple[str, ...]:
    """Warnings in one line each, as many and as long as a report may hold."""
    lines = (" ".join(text.split())[:WARNING_MAX_LENGTH] for text in texts)
    return tuple(islice(lines, WARNINGS_MAX_ITEMS))


def joined_warnings(first: Iterable[str], second: Iterable[str]) -> tuple[str, ...]:
    """Warnings of both, each once."""
    return bounded_warnings(dict.fromkeys((*first, *second)))


class ProgressReport(Record):
    """The newest state of one attempt. A field is absent where the stage has no such thing."""

    job_uid: str
    stage: Stage
    attempt: int = Field(ge=0)
    percent: float = Field(ge=0, le=100)
    """How much of the stage is done."""
    activity: str
    """What the stage is doing, for people: `cleaning documents`, `training`, `validating`."""
    warnings: Warnings = ()
    heartbeat: float
    """Unix time, in seconds, of the newest sign of work (a step, a batch of documents)."""
    start_time: float | None = None
    """Unix time, in seconds, at which the driver's process began."""
    work: WorkSeconds = WorkSeconds()
    """What the attempt has done with its time."""
    step: int | None = None
    """Optimizer steps done."""
    total_steps: int | None = None
    tokens: int | None = None
    """Tokens trained on, over all attempts, work that was lost not counted."""
    loss: float | None = None
    """Mean training loss of the newest step, in nats per token."""
    validation_loss: float | None = None
    """Newest loss on held-out text, in nats per token."""
    validation_bits_per_byte: float | None = None
    tokens_per_second: float | None = None
    """Over all workers, since the last report."""
    mfu: float | None = None
    """Model FLOPs utilization, 0 to 1; absent on hardware of unknown peak."""
    eta_seconds: float | None = None
    """Until the end of the stage."""
    checkpoint_step: int | None = None
    """Step of the newest committed checkpoint."""
    checkpoint_time: float | None = None
    """Unix time, in seconds, at which it was committed."""
    gradient_norm: float | None = None
    """Of the newest step, before clipping."""
    learning_rate: float | None = None
    """Of the newest step."""
    memory_bytes: int | None = None
    """The most that rank 0 has held: of its GPU's memory, or of the machine's without one."""
