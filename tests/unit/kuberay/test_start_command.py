"""The `ray start` command of the stand-in for KubeRay."""

from typing import Any

import pytest
from support.kuberay.names import HEAD, WORKER
from support.kuberay.start_command import start_command, start_parameters


@pytest.mark.parametrize(
    ("parameters", "command"),
    [
        ({}, "ray start "),
        ({"num-cpus": "0", "block": "true"}, "ray start  --block  --num-cpus=0 "),
        ({"no-monitor": "False"}, "ray start "),
        ({"log-color": "false"}, "ray start  --log-color=false "),
    ],
)
def test_command(parameters: dict[str, str], command: str) -> None:
    assert start_command(WORKER, parameters) == command


def test_head_is_told_so() -> None:
    assert start_command(HEAD, {"block": "true"}) == "ray start --head  --block "


@pytest.mark.parametrize(
    ("resources", "sizes"),
    [
        ({}, {}),
        ({"requests": {"cpu": "1500m", "memory": "1Gi"}}, {"num-cpus": "2"}),
        ({"limits": {"cpu": "3"}, "requests": {"cpu": "1"}}, {"num-cpus": "3"}),
        ({"limits": {"cpu": "0"}, "requests": {"cpu": "1"}}, {"num-cpus": "1"}),
        ({"limits": {"memory": "1Gi"}}, {"memory": "1073741824"}),
        ({"limits": {"amd.com/gpu": "4"}}, {"num-gpus": "4"}),
        ({"limits": {"nvidia.com/gpu": 0}}, {}),
        ({"limits": {"nvidia.com/mig-1g.5gb": "1"}}, {"num-gpus": "1"}),
    ],
)
def test_sizes_come_from_the_container(resources: Any, sizes: dict[str, str]) -> None:
    others = start_parameters({}, {}, address="head:6379")
    assert start_parameters({}, resources, address="head:6379") == others | sizes


def test_given_parameters_win() -> None:
    given = {"num-cpus": "0", "address": "elsewhere:1", "metrics-export-port": "1"}
    parameters = start_parameters(given, {"limits": {"cpu": "8"}}, address="head:6379")
    assert parameters.items() >= given.items()


def test_the_container_waits_for_ray_whatever_is_given() -> None:
    assert start_parameters({"block": "false"}, {}, address=None)["block"] == "true"
