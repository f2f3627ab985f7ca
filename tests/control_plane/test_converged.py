"""A job at rest costs no write, and its children follow from its manifest alone."""

import json
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from support.cluster.api_client import Json
from support.cluster_reconciles import reconcile_repeatedly
from support.nodeless_cluster import NodelessCluster
from support.nodeless_job import NodelessJob
from support.operator_process import running_warm_operator

from llmtrain_api.stages import Stage
from llmtrain_api.status import Phase, StageState

_SETTINGS = {"pollSeconds": 0.1, "resyncSeconds": 1}


@pytest.fixture(autouse=True)
def honest_ray(cluster: NodelessCluster) -> Iterator[None]:
    """What a test lets fail fails in that test alone."""
    yield
    cluster.ray.failing, cluster.ray.endless = (), ()


def _running(cluster: NodelessCluster) -> NodelessJob:
    cluster.ray.endless = ("data-0",)
    job = NodelessJob.short(cluster.client, "silent-running")
    job.wait_for_stage(Stage.DATA, StageState.RUNNING)
    return job


def _suspended(cluster: NodelessCluster) -> NodelessJob:
    job = NodelessJob.short(cluster.client, "silent-suspended", policy={"suspend": True})
    job.wait_for_phase(Phase.SUSPENDED)
    return job


def _succeeded(cluster: NodelessCluster) -> NodelessJob:
    job = NodelessJob.short(cluster.client, "silent-succeeded")
    job.wait_for_phase(Phase.SUCCEEDED)
    return job


def _failed(cluster: NodelessCluster) -> NodelessJob:
    cluster.ray.failing = ("data-0",)
    policy = {"retries": {"infrastructure": 0}}
    job = NodelessJob.short(cluster.client, "silent-failed", policy=policy)
    job.wait_for_phase(Phase.FAILED)
    return job


@pytest.mark.parametrize("arrive", [_running, _suspended, _succeeded, _failed])
def test_a_hundred_more_reconciles_write_nothing(
    cluster: NodelessCluster, tmp_path: Path, arrive: Callable[[NodelessCluster], NodelessJob]
) -> None:
    with running_warm_operator(cluster.operator_kubeconfig, tmp_path, **_SETTINGS):
        job = arrive(cluster)
        if job.status.phase.terminal:
            job.wait_until(lambda _: not job.ray_clusters)
    before = job.body
    cluster.proxy.writes.clear()

    reconcile_repeatedly(cluster.operator_kubeconfig, job.name, count=100)

    assert cluster.proxy.writes == []
    assert job.body == before
    job.delete()


def test_a_then_b_then_a_gives_the_children_of_a(cluster: NodelessCluster, tmp_path: Path) -> None:
    cluster.ray.endless = ("data-0", "data-1", "data-2")
    first = {"queueName": "team-a", "priorityClassName": None}
    children: list[Json] = []
    with running_warm_operator(cluster.operator_kubeconfig, tmp_path, **_SETTINGS):
        job = NodelessJob.short(cluster.client, "there-and-back", policy={"queueName": "team-a"})
        for changes in ({"queueName": "team-b"}, first, {}):
            job.wait_for_stage(Stage.DATA, StageState.RUNNING)
            children += job.ray_clusters
            job.set_policy(suspend=True, **changes)
            job.wait_for_phase(Phase.SUSPENDED)
            job.wait_until(lambda _: not job.ray_clusters)
            job.set_policy(suspend=False)
        job.delete()

    a, b, again = (_without_number(child) for child in children)
    assert b != a
    assert again == a


def _without_number(child: Json) -> Json:
    """What the operator asks for, but for the generation in names and labels."""
    number = child["metadata"]["name"].rpartition("-")[2]
    asked_for = {"labels": child["metadata"]["labels"], "spec": child["spec"]}
    text = json.dumps(asked_for).replace(child["metadata"]["name"], "NAME")
    result: Json = json.loads(text.replace(f'-generation": "{number}"', '-generation": "N"'))
    return result
