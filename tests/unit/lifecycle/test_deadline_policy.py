"""A deadline counts the time that a job is active, and stands still while it is suspended."""

import pytest
from support.job_harness import NOW, JobHarness

from llmtrain_api.status import JobStatus, Phase
from llmtrain_lifecycle.policies.time_limits import seconds_left
from llmtrain_lifecycle.snapshot import ClusterState

_ACTIVE = JobStatus(phase=Phase.RUNNING, active_time="2026-01-31T11:59:00Z")


@pytest.mark.parametrize(
    ("status", "deadline_seconds", "left"),
    [
        (_ACTIVE, 90, 30),
        (_ACTIVE, 60, 0),
        (_ACTIVE, 50, -10),
        (_ACTIVE, None, None),
        (JobStatus(), 50, 50),
        (_ACTIVE.replace(phase=Phase.SUSPENDED), 50, 50),
        (_ACTIVE.replace(queued_since="2026-01-31T11:59:20Z"), 50, 30),
    ],
    ids=[
        "in time",
        "to the second",
        "too late",
        "no deadline",
        "not started",
        "suspended",
        "queued",
    ],
)
def test_seconds_left(status: JobStatus, deadline_seconds: int | None, left: float | None) -> None:
    assert seconds_left(status, deadline_seconds, NOW) == left


def test_time_in_a_queue_is_not_active_time() -> None:
    harness = JobHarness("data", policy={"activeDeadlineSeconds": 20, "queueName": "ml"})
    harness.cluster_state = ClusterState.SUSPENDED
    harness.reconcile()
    for _ in range(10):
        harness.wait(60)
        queued = harness.reconcile()
        assert (queued.status.phase, queued.requeue_after_seconds) == (Phase.QUEUED, 30)
    harness.cluster_state = ClusterState.READY
    harness.start()
    harness.wait(19)
    running = harness.reconcile(progress=harness.report())
    assert running.actions == ()
    assert running.requeue_after_seconds == 1
    harness.wait(1)
    harness.reconcile(progress=harness.report())
    assert harness.stage.run.reason == "DeadlineExceeded"


def test_an_evicted_job_keeps_the_time_that_it_had_left() -> None:
    harness = JobHarness("data", policy={"activeDeadlineSeconds": 100, "queueName": "ml"})
    harness.start()
    harness.wait(30)
    harness.submission, harness.cluster_state = None, ClusterState.SUSPENDED
    harness.reconcile()
    harness.wait(86_400)
    harness.reconcile()
    harness.cluster_state = ClusterState.READY
    harness.start()
    assert seconds_left(harness.status, 100, harness.now) == 70
