"""What became of lost Pods, by what the API server last said of them."""

from typing import Any

import pytest
from support.job_harness import recorded

from llmtrain_api.stages import StageGroup
from llmtrain_api.status import LOST_PODS_MAX_ITEMS, ClusterStatus, LostPod
from llmtrain_lifecycle.lost_pods import (
    find_lost_pods,
    with_earlier_lost_pods,
    with_lost_pod,
    worst_lost_pod,
)
from llmtrain_lifecycle.observed import ObservedPod

_DELETED = {"deletionTimestamp": "2026-01-31T12:01:30Z", "deletionGracePeriodSeconds": 30}
_DELETED_AT = "2026-01-31T12:01:00Z"


def pod(
    status: dict[str, Any], *, node_type: str = "worker", **metadata: object
) -> tuple[ObservedPod]:
    labels = {
        "ray.io/cluster": "it",
        "ray.io/node-type": node_type,
        "llmtrain.io/stage-group": "trainers",
    }
    meta = {"name": "p", "namespace": "n", "uid": "u", "resourceVersion": "1", "labels": labels}
    return (ObservedPod.model_validate({"metadata": meta | metadata, "status": status}),)


def ended(reason: str, exit_code: int, time: str = _DELETED_AT) -> dict[str, Any]:
    terminated = {"reason": reason, "exitCode": exit_code, "finishedAt": time}
    return {"containerStatuses": [{"name": "ray", "state": {"terminated": terminated}}]}


def disrupted(reason: str, message: str = "") -> dict[str, Any]:
    condition = {"type": "DisruptionTarget", "status": "True", "reason": reason, "message": message}
    return {"phase": "Running", "conditions": [condition]}


@pytest.mark.parametrize(
    ("lost", "reason", "message"),
    [
        (
            pod({"phase": "Failed", **ended("OOMKilled", 137)}, **_DELETED),
            "OOMKilled",
            "p needed more memory than it may have; give it more by compute.trainers.memory",
        ),
        (
            pod({"phase": "Failed", **ended("OOMKilled", 137)}, node_type="head"),
            "OOMKilled",
            "p needed more memory than it may have; give it more by compute.head.memory",
        ),
        (
            pod(
                {
                    "phase": "Failed",
                    "reason": "Evicted",
                    "message": "The node was low on resource: memory.",
                    **ended("Error", 137),
                }
            ),
            "PodEvicted",
            "p was evicted: The node was low on resource: memory.",
        ),
        (
            pod(disrupted("EvictionByEvictionAPI", "Eviction API: evicting"), **_DELETED),
            "PodPreempted",
            "p was taken away: EvictionByEvictionAPI: Eviction API: evicting",
        ),
        (
            pod(disrupted("PreemptionByScheduler"), **_DELETED),
            "PodPreempted",
            "p was taken away: PreemptionByScheduler",
        ),
        (pod({"phase": "Running"}, **_DELETED), "PodDeleted", "p was deleted"),
        (
            # It ended after its deletion; KubeRay deletes failed Pods in the same second.
            pod({"phase": "Failed", **ended("Error", 143, "2026-01-31T12:01:05Z")}, **_DELETED),
            "PodDeleted",
            "p was deleted",
        ),
        (
            pod({"phase": "Failed", **ended("Error", 1)}, **_DELETED),
            "PodFailed",
            "p ended: exit code 1",
        ),
    ],
)
def test_why_a_pod_is_lost(lost: tuple[ObservedPod], reason: str, message: str) -> None:
    (loss,) = find_lost_pods(lost, (), "it")
    assert (loss.reason, loss.message, loss.time) == (reason, message, _DELETED_AT)


def test_pods_that_live_or_belong_to_another_cluster_are_not_lost() -> None:
    assert find_lost_pods(pod({"phase": "Running"}), (), "it") == ()
    assert find_lost_pods(pod({"phase": "Running"}, **_DELETED), (), "other") == ()


def loss(reason: str, uid: str = "") -> LostPod:
    return LostPod(name="p", uid=uid or reason, reason=reason, message="", time=_DELETED_AT)


def test_the_gravest_loss_of_an_attempt_is_kept() -> None:
    attempt = with_lost_pod(recorded(0), None)
    assert attempt.lost_pod is None
    for reason, kept in [
        ("PodDeleted", "PodDeleted"),
        ("OOMKilled", "OOMKilled"),
        ("PodFailed", "OOMKilled"),
    ]:
        attempt = with_lost_pod(attempt, loss(reason))
        assert attempt.lost_pod == loss(kept)
    assert with_lost_pod(attempt, None) == attempt


def test_a_loss_counts_unless_its_pod_was_lost_before() -> None:
    """A head that KubeRay makes anew has the name of the last."""
    given = ClusterStatus(name="it", group=StageGroup.ALL, generation=0)
    first, again = loss("OOMKilled", "first"), loss("OOMKilled", "again")
    assert worst_lost_pod((first,), given) == first
    given = with_earlier_lost_pods(given, (first,))
    assert worst_lost_pod((first,), given) is None
    assert worst_lost_pod((first, again), given) == again
    assert worst_lost_pod((loss("PodFailed"), again), given) == again


def test_what_was_lost_earlier_fits_into_the_status_and_never_comes_back() -> None:
    dead = tuple(
        pod({"phase": "Failed", **ended("Error", 1)}, uid=f"u{n}", name=f"p{n}")[0]
        for n in range(LOST_PODS_MAX_ITEMS + 2)
    )
    given = ClusterStatus(name="it", group=StageGroup.ALL, generation=0)
    given = with_earlier_lost_pods(given, find_lost_pods(dead[1:3], (dead[0], *dead[3:]), "it"))
    assert ClusterStatus.model_validate_json(given.model_dump_json()) == given
    assert worst_lost_pod(find_lost_pods((), (dead[0], *dead[3:], *dead[1:3]), "it"), given) is None
