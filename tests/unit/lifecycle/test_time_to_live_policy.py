"""A job that has ended is deleted when its time to live is over, and its cluster before it."""

import pytest
from support.passes import Passes

from llmtrain_lifecycle.decision import DeleteCluster, DeleteJob


def ended(**policy: object) -> Passes:
    """A job that has just succeeded."""
    passes = Passes("data", policy=policy)
    passes.start()
    passes.end()
    for _ in range(2):
        passes.make()
    return passes


def test_it_stays_where_nothing_is_said() -> None:
    passes = ended()
    passes.cluster_ready = False
    passes.wait(10**9)
    decision = passes.make()
    assert (decision.actions, decision.requeue_after_seconds) == ((), None)


@pytest.mark.parametrize("ttl", [0, 60])
def test_its_cluster_goes_first_and_then_the_job_itself(ttl: int) -> None:
    passes = ended(ttlSecondsAfterFinished=ttl)
    assert passes.make().actions == (DeleteCluster(passes.cluster_name),)
    passes.cluster_ready = False
    if ttl:
        assert passes.make().actions == ()
        assert passes.make().requeue_after_seconds == ttl
        passes.wait(ttl)
    assert passes.make().actions == (DeleteJob(),)
