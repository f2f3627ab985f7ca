"""Finds in Kueue's Workload why a Ray cluster waits in its queue."""

from llmtrain_lifecycle.observed import Observed, ObservedCondition, condition_of

QUEUED = "the queue has not admitted its Ray cluster"
"""Message about a Ray cluster that waits in a queue, without the queue's own words."""
_NOT_TAKEN_UP = (
    " (Kueue has made no Workload for it: is Kueue running, 0.15 or newer, and is"
    " ray.io/raycluster among its integrations?)"
)
# The first that says something counts: what is missing now comes before what happened earlier.
_WHY = (("QuotaReserved", "False"), ("Admitted", "False"), ("Evicted", "True"))


class _WorkloadStatus(Observed):
    conditions: tuple[ObservedCondition, ...] = ()


class ObservedWorkload(Observed):
    """A Workload: what Kueue admits to a queue in the place of a RayCluster."""

    status: _WorkloadStatus = _WorkloadStatus()


def why_queued(workloads: tuple[ObservedWorkload, ...]) -> str:
    """Message for people, in Kueue's words.

    Args:
        workloads: Workloads of one RayCluster; as a rule there is one.
    """
    if not workloads:
        return QUEUED + _NOT_TAKEN_UP
    for workload in workloads:
        for kind, status in _WHY:
            condition = condition_of(workload.status.conditions, kind)
            if condition is not None and condition.status == status and condition.message:
                return f"{QUEUED}: {condition.message}"
    return QUEUED
