"""A job that has ended is deleted when its time to live is over, and its cluster before it."""

import pytest
from support.job_harness import JobHarness

from llmtrain_lifecycle.decision import DeleteCluster, DeleteJob


def ended(**policy: object) -> JobHarness:
    """A job that has just succeeded."""
    harness = JobHarness("data", policy=policy)
    harness.start()
    harness.end()
    for _ in range(2):
        harness.reconcile()
    return harness


def test_it_stays_where_nothing_is_said() -> None:
    harness = ended()
    harness.cluster_ready = False
    harness.wait(10**9)
    decision = harness.reconcile()
    assert (decision.actions, decision.requeue_after_seconds) == ((), None)


@pytest.mark.parametrize("ttl", [0, 60])
def test_its_cluster_goes_first_and_then_the_job_itself(ttl: int) -> None:
    harness = ended(ttlSecondsAfterFinished=ttl)
    assert harness.reconcile().actions == (DeleteCluster(harness.cluster_name),)
    harness.cluster_ready = False
    if ttl:
        assert harness.reconcile().actions == ()
        assert harness.reconcile().requeue_after_seconds == ttl
        harness.wait(ttl)
    assert harness.reconcile().actions == (DeleteJob(),)
