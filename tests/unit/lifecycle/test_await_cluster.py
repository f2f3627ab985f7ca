"""The Ray cluster of a stage group: asked for, waited for, replaced."""

from dataclasses import replace
from datetime import timedelta

import pytest
from support.job_harness import GENERATION, NOW, SETTINGS, UID, job_of

from llmtrain_api.stages import StageGroup
from llmtrain_api.status import JobStatus, LostPod, Phase
from llmtrain_lifecycle.decide import decide
from llmtrain_lifecycle.decision import Decision, DeleteCluster, EnsureCluster
from llmtrain_lifecycle.snapshot import Cluster, ClusterState, Obstacle, Snapshot
from llmtrain_lifecycle.status_text import write_time

_SETTINGS = replace(SETTINGS, one_cluster=False)
_JOB = job_of("data", policy={"schedulingTimeoutSeconds": 60})


def look(
    status: JobStatus,
    *clusters: Cluster,
    seconds: float = 0,
    lost_pods: tuple[LostPod, ...] = (),
) -> Decision:
    now, snapshot = NOW + timedelta(seconds=seconds), Snapshot(clusters, lost_pods=lost_pods)
    return decide(_JOB, UID, GENERATION, status, snapshot, now, _SETTINGS)


def asked() -> JobStatus:
    """The status once the cluster's name is written."""
    return look(JobStatus()).status


def starting(reason: str = "", message: str = "") -> Cluster:
    return Cluster("line-cpus-0", ClusterState.STARTING, reason, message)


def test_its_name_is_written_before_it_is_made() -> None:
    first = look(JobStatus())
    assert first.actions == ()
    assert first.requeue_after_seconds == 0
    assert first.status.cluster is not None
    assert first.status.cluster.name == "line-cpus-0"
    assert look(first.status).actions == (EnsureCluster("line-cpus-0", StageGroup.CPUS),)


def test_once_it_is_there_it_is_not_made_again() -> None:
    decision = look(asked(), starting())
    assert decision.actions == ()
    again = look(decision.status, starting(), seconds=1)
    assert (again.status, again.actions) == (decision.status, ())


@pytest.mark.parametrize("state", [ClusterState.BROKEN, ClusterState.READY])
def test_the_next_comes_when_all_others_have_gone(state: ClusterState) -> None:
    name = "line-cpus-0" if state is ClusterState.BROKEN else "line-trainers-7"
    deleted = look(asked(), Cluster(name, state))
    assert deleted.actions == (DeleteCluster(name),)
    waiting = look(deleted.status, Cluster(name, ClusterState.LEAVING))
    assert waiting.actions == ()
    assert name in waiting.status.conditions[0].message
    gone = look(waiting.status)
    assert gone.actions == ()
    assert look(gone.status).actions == (EnsureCluster("line-cpus-1", StageGroup.CPUS),)


def test_what_is_missing_is_said_and_after_its_time_the_job_fails() -> None:
    words = "0/3 nodes are available: 3 Insufficient nvidia.com/gpu."
    cluster = starting("Unschedulable", words)
    waiting = look(asked(), cluster, seconds=59)
    assert waiting.requeue_after_seconds == 1
    assert waiting.status.conditions[0].reason == "Unschedulable"
    assert waiting.status.conditions[0].message == words
    failed = look(waiting.status, cluster, seconds=60).status
    assert failed.phase is Phase.FAILED
    assert failed.conditions[0].reason == "Unschedulable"
    assert failed.conditions[0].message.endswith(words)
    assert "policy.schedulingTimeoutSeconds" in failed.conditions[0].message


def loss(ahead_seconds: float = 0) -> LostPod:
    time = write_time(NOW + timedelta(seconds=ahead_seconds))
    return LostPod(name="head", uid="uid", reason="OOMKilled", message="more memory", time=time)


@pytest.mark.parametrize("ahead_seconds", [-600, 0, 600])
def test_a_pod_that_dies_before_its_cluster_is_ready_is_named(ahead_seconds: int) -> None:
    """The kubelet's clock is ahead of the operator's, or behind it."""
    lost = (loss(ahead_seconds),)
    waiting = look(asked(), starting(), lost_pods=lost).status
    assert waiting.conditions[0].reason == "OOMKilled"
    failed = look(waiting, starting(), seconds=60, lost_pods=lost).status
    assert failed.phase is Phase.FAILED
    assert failed.conditions[0].reason == "OOMKilled"


@pytest.mark.parametrize("ahead_seconds", [-600, 0, 600])
def test_a_wait_is_not_put_down_to_a_pod_of_the_last_attempt(ahead_seconds: int) -> None:
    ready = Cluster("line-cpus-0", ClusterState.READY)
    status, lost = look(asked(), ready).status, (loss(ahead_seconds),)
    for seconds in range(1, 12):  # it is submitted, lost, and waits to be tried again
        status = look(status, starting(), seconds=seconds, lost_pods=lost).status
    assert status.stages[0].run.reason == "OOMKilled"
    assert status.conditions[0].reason == "WaitingForCluster"


def test_a_wait_counts_from_its_own_start() -> None:
    """An attempt has run for an hour when a worker is lost: another minute is left for the next."""
    ready = Cluster("line-cpus-0", ClusterState.READY)
    recorded = look(asked(), ready).status
    lost = look(recorded, starting(), seconds=3600).status
    again = look(lost, starting(), seconds=3610)
    assert again.status.phase is Phase.PENDING
    assert again.requeue_after_seconds == 60


def test_no_cluster_is_asked_for_where_none_can_be_made() -> None:
    snapshot = Snapshot(obstacle=Obstacle("KubeRayMissing", "install KubeRay"))
    decision = decide(_JOB, UID, GENERATION, asked(), snapshot, NOW, _SETTINGS)
    assert decision.actions == ()
    assert decision.status.conditions[0].reason == "KubeRayMissing"
    late = NOW + timedelta(seconds=60)
    failed = decide(_JOB, UID, GENERATION, decision.status, snapshot, late, _SETTINGS).status
    assert (failed.phase, failed.conditions[0].reason) == (Phase.FAILED, "KubeRayMissing")
    assert "install KubeRay" in failed.conditions[0].message


def test_a_refusal_is_reported_during_retries_and_becomes_the_reason_in_the_end() -> None:
    refusal = Obstacle("ClusterRefused", "exceeded quota: team, requested: pods=1")
    snapshot = Snapshot(refusal=refusal)
    waiting = decide(_JOB, UID, GENERATION, asked(), snapshot, NOW, _SETTINGS)
    assert waiting.actions == (EnsureCluster("line-cpus-0", StageGroup.CPUS),)
    assert waiting.status.conditions[0].reason == "ClusterRefused"
    late = NOW + timedelta(seconds=60)
    failed = decide(_JOB, UID, GENERATION, waiting.status, snapshot, late, _SETTINGS)
    assert failed.actions == ()
    assert failed.status.conditions[0].reason == "ClusterRefused"
    assert "exceeded quota" in failed.status.conditions[0].message


def test_a_cluster_that_does_not_go_is_named_with_what_holds_it() -> None:
    stuck = Cluster("line-cpus-0", ClusterState.LEAVING, message="head on dead-node has not ended")
    waiting = look(asked(), stuck)
    assert waiting.requeue_after_seconds == 60
    failed = look(waiting.status, stuck, seconds=60).status
    assert failed.phase is Phase.FAILED
    assert failed.conditions[0].reason == "ClusterStuck"
    assert "head on dead-node" in failed.conditions[0].message


def test_a_wait_in_a_queue_has_no_limit_and_the_next_wait_a_clock_of_its_own() -> None:
    queued = Cluster("line-cpus-0", ClusterState.SUSPENDED, "Queued", "not admitted")
    waiting = look(asked(), queued, seconds=86_400)
    assert waiting.status.phase is Phase.QUEUED
    assert waiting.status.conditions[0].reason == "Queued"
    assert look(waiting.status, queued, seconds=86_401).status.cluster == waiting.status.cluster
    admitted = look(waiting.status, starting(), seconds=86_410)
    assert admitted.requeue_after_seconds == 60


def test_a_scheduler_s_long_words_are_cut() -> None:
    cluster = starting("Unschedulable", "w" * 5000)
    failed = look(asked(), cluster, seconds=60).status
    assert len(failed.stages[0].run.message or "") == 4096


def test_a_kuberay_that_does_nothing_is_named_after_a_minute() -> None:
    job = job_of("data", policy={"schedulingTimeoutSeconds": 600})
    silent = starting("KubeRaySilent", "is it running?")

    def seen(status: JobStatus, seconds: float) -> Decision:
        now = NOW + timedelta(seconds=seconds)
        return decide(job, UID, GENERATION, status, Snapshot((silent,)), now, _SETTINGS)

    early = seen(asked(), 1)
    assert early.status.conditions[0].reason == "WaitingForCluster"
    assert early.requeue_after_seconds == 59
    assert seen(early.status, 60).status.conditions[0].reason == "KubeRaySilent"


def test_a_job_whose_name_an_earlier_one_still_has_waits_no_longer_than_for_any_cluster() -> None:
    command = "kubectl delete raycluster -n default line-cpus-0"
    orphan = Cluster("line-cpus-0", ClusterState.LEAVING, "ClusterOrphaned", command)
    waiting = look(JobStatus(), orphan)
    assert waiting.actions == ()
    assert waiting.requeue_after_seconds == 60
    assert waiting.status.conditions[0].reason == "ClusterOrphaned"
    assert command in waiting.status.conditions[0].message
    failed = look(waiting.status, orphan, seconds=60).status
    assert (failed.phase, failed.conditions[0].reason) == (Phase.FAILED, "ClusterOrphaned")
    assert command in failed.conditions[0].message
    gone = look(look(waiting.status, seconds=59).status, seconds=59)
    assert gone.actions == (EnsureCluster("line-cpus-1", StageGroup.CPUS),)


def test_what_holds_a_cluster_is_said_when_it_takes_long() -> None:
    job = job_of("data", policy={"schedulingTimeoutSeconds": 600})
    leaving = Cluster("line-cpus-0", ClusterState.LEAVING, message="head on n1 has not ended")

    def seen(status: JobStatus, seconds: float) -> Decision:
        now = NOW + timedelta(seconds=seconds)
        return decide(job, UID, GENERATION, status, Snapshot((leaving,)), now, _SETTINGS)

    early = seen(asked(), 1)
    assert early.status.conditions[0].message == "waiting for line-cpus-0 to go"
    assert early.requeue_after_seconds == 59
    late = seen(early.status, 60)
    assert late.status.conditions[0].message.endswith("to go: head on n1 has not ended")


def test_a_pod_that_is_being_prepared_is_named_after_a_minute() -> None:
    job = job_of("data", policy={"schedulingTimeoutSeconds": 600})
    preparing = starting("PodNotReady", "head is not ready (ContainerCreating)")

    def reason(seconds: float, *lost_pods: LostPod) -> str:
        now, snapshot = (
            NOW + timedelta(seconds=seconds),
            Snapshot((preparing,), lost_pods=lost_pods),
        )
        decision = decide(job, UID, GENERATION, asked(), snapshot, now, _SETTINGS)
        return decision.status.conditions[0].reason

    assert (reason(59), reason(60)) == ("WaitingForCluster", "PodNotReady")
    assert reason(60, loss()) == "OOMKilled"
