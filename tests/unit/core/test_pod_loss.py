"""What became of lost Pods, by what the API server last said of them."""

from typing import Any

import pytest

from llmtrain_api.stages import Stage
from llmtrain_api.status import LostPod, StageState, StageStatus
from llmtrain_operator.core.observed import ObservedPod
from llmtrain_operator.core.pod_loss import pod_losses, with_losses

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
            # It was told to go, and did; KubeRay deletes what has failed in the same second.
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
    (loss,) = pod_losses(lost, "it")
    assert (loss.reason, loss.message, loss.time) == (reason, message, _DELETED_AT)


def test_pods_that_live_or_belong_to_another_cluster_are_not_lost() -> None:
    assert pod_losses(pod({"phase": "Running"}), "it") == ()
    assert pod_losses(pod({"phase": "Running"}, **_DELETED), "other") == ()


def loss(reason: str, time: str) -> LostPod:
    return LostPod(name=reason, reason=reason, message="", time=f"2026-01-31T{time}Z")


def test_the_gravest_loss_since_the_attempt_began_is_kept() -> None:
    began = "2026-01-31T12:00:00Z"
    stage = StageStatus(name=Stage.PRETRAIN, state=StageState.RUNNING, attempt_time=began)
    earlier, deleted = loss("OOMKilled", "11:59:59"), loss("PodDeleted", "12:00:05")
    out_of_memory, failed = loss("OOMKilled", "12:00:07"), loss("PodFailed", "12:00:09")
    assert with_losses(stage, (earlier,)).lost_pod is None
    stage = with_losses(stage, (earlier, deleted))
    assert stage.lost_pod == deleted
    stage = with_losses(stage, (out_of_memory,))
    assert with_losses(stage, (failed,)).lost_pod == out_of_memory
