"""Nodes are asked for once in a while, and again where they may have become others."""

import asyncio
from typing import Any

import pytest

from llmtrain_clients.kubernetes_api import KubernetesApi
from llmtrain_clients.kubernetes_errors import KubernetesError
from llmtrain_lifecycle.money.nodes import ObservedNode
from llmtrain_operator.runtime.nodes import Nodes

_GPU = "nvidia.com/gpu"


class _Api(KubernetesApi):
    """Knows one node, and counts how often it is asked."""

    def __init__(self) -> None:
        super().__init__()
        self.asked, self.refuses = 0, False
        self.labels: dict[str, str] = {}
        self.gpus = "8"

    async def get(self, path: str) -> dict[str, Any] | None:
        self.asked += 1
        if self.refuses:
            raise KubernetesError(403, "Forbidden", path)
        allocatable = {"cpu": "8", "memory": "8Gi", _GPU: self.gpus}
        return {
            "metadata": {"name": "n", "labels": self.labels},
            "status": {"allocatable": allocatable},
        }


class _Looking:
    """Asks for the node, at any time."""

    def __init__(self) -> None:
        self.api, self.seconds = _Api(), 0.0
        self._nodes = Nodes(self.api, clock=lambda: self.seconds)

    def node(self, *resources: str) -> ObservedNode | None:
        return asyncio.run(self._nodes.named({"n": set(resources)})).get("n")


def test_a_node_is_asked_for_once_in_ten_minutes() -> None:
    looking = _Looking()
    for looking.seconds in (0, 300, 599):
        assert looking.node() is not None
    assert looking.api.asked == 1
    looking.seconds = 600
    looking.api.labels = {"another": "machine"}
    node = looking.node()
    assert node is not None
    assert node.metadata.labels == {"another": "machine"}


def test_a_node_is_asked_again_until_it_reports_its_gpus() -> None:
    looking = _Looking()
    looking.api.gpus = "0"
    looking.node()
    looking.api.gpus = "8"
    assert looking.node() is not None
    assert looking.api.asked == 1, "the driver's Pod asks for none"
    node = looking.node(_GPU)
    assert node is not None
    assert node.status.allocatable[_GPU] == 8
    looking.node(_GPU)
    assert looking.api.asked == 2


def test_a_refusal_is_remembered_for_ten_minutes() -> None:
    looking = _Looking()
    looking.api.refuses = True
    for looking.seconds in (0, 300, 599):
        assert looking.node() is None
    assert looking.api.asked == 1
    looking.seconds, looking.api.refuses = 600, False
    assert looking.node() is not None


@pytest.mark.parametrize("gpus", ["eight", "1.2.3", "1e999999999"])
def test_a_node_whose_devices_are_no_quantity_is_a_wrong_answer(gpus: str) -> None:
    looking = _Looking()
    looking.api.gpus = gpus
    with pytest.raises(KubernetesError, match="did not answer with the node"):
        looking.node(_GPU)
