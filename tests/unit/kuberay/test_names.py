"""Names and refusals of the stand-in for KubeRay."""

from typing import Any

import pytest
from support.kuberay.names import pod_prefix, secret_name
from support.kuberay.scene import ray_cluster
from support.kuberay.validation import faults_of


@pytest.mark.parametrize(
    ("cluster", "group", "prefix"),
    [
        ("it", "", "it-head-"),
        ("it", "Trainers", "it-trainers-worker-"),
        ("a" * 53, "", "a" * 50 + "-head-"),
        ("a" * 49, "trainers", "a" * 49 + "--worker-"),
    ],
)
def test_pod_prefix(cluster: str, group: str, prefix: str) -> None:
    assert pod_prefix(cluster, group) == prefix


@pytest.mark.parametrize(
    ("cluster", "name"),
    [
        ("it", "it"),
        ("abcd" + "e" * 49, "d" + "e" * 49),
        ("abc-" + "e" * 49, "r" + "e" * 49),
        ("abc1" + "e" * 49, "r" + "e" * 49),
    ],
)
def test_secret_name_keeps_the_end(cluster: str, name: str) -> None:
    assert secret_name(cluster) == name


def group(**changes: Any) -> list[Any]:
    (usual,) = ray_cluster("it")["spec"]["workerGroupSpecs"]
    return [usual | changes]


@pytest.mark.parametrize(
    ("name", "changes", "fault"),
    [
        ("a" * 53, {}, None),
        ("a" * 54, {}, "53 characters"),
        ("1a", {}, "DNS-1035"),
        ("a.b", {}, "DNS-1035"),
        ("it", {"rayVersion": ""}, "2.52"),
        ("it", {"rayVersion": "2.51.9"}, "2.52"),
        ("it", {"rayVersion": "2.9.0", "authOptions": {"mode": "disabled"}}, None),
        ("it", {"workerGroupSpecs": group(minReplicas=3)}, "minReplicas"),
        ("it", {"workerGroupSpecs": group(minReplicas=-1)}, "minReplicas"),
        ("it", {"workerGroupSpecs": group(template={"spec": {}})}, "no container"),
        ("it", {"workerGroupSpecs": group(rayStartParams={"labels": "a=b"})}, "labels"),
    ],
)
def test_faults(name: str, changes: Any, fault: str | None) -> None:
    faults = faults_of(ray_cluster(name, **changes))
    assert len(faults) == (fault is not None)
    assert fault is None or fault in faults[0]
