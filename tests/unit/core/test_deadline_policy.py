"""A deadline counts the time that a job is active, and stands still while it is suspended."""

import pytest
from support.passes import NOW

from llmtrain_api.status import JobStatus, Phase
from llmtrain_operator.core.policies.deadline import seconds_left

_ACTIVE = JobStatus(phase=Phase.RUNNING, active_time="2026-01-31T11:59:00Z")


@pytest.mark.parametrize(
    ("status", "deadline_seconds", "left"),
    [
        (_ACTIVE, 90, 30),
        (_ACTIVE, 60, 0),
        (_ACTIVE, 50, -10),
        (_ACTIVE, None, None),
        (JobStatus(), 50, 50),
        (_ACTIVE.model_copy(update={"phase": Phase.SUSPENDED}), 50, 50),
    ],
    ids=["in time", "to the second", "too late", "no deadline", "not started", "suspended"],
)
def test_seconds_left(status: JobStatus, deadline_seconds: int | None, left: float | None) -> None:
    assert seconds_left(status, deadline_seconds, NOW) == left
