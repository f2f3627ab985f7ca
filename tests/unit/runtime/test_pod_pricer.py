"""What a job pays for, while prices and nodes come and go."""

import asyncio
from pathlib import Path
from typing import Any

import pytest
import yaml
from support.billed_job_harness import paid_pod
from support.job_harness import NOW

from llmtrain_api.cost import Ledger, PriceSource
from llmtrain_api.stages import Stage
from llmtrain_api.status import StageRun, StageStatus
from llmtrain_clients.kubernetes_api import KubernetesApi
from llmtrain_lifecycle.money.ledger import with_pods
from llmtrain_lifecycle.money.paid_pods import PaidPod
from llmtrain_lifecycle.observed import ObservedPod
from llmtrain_operator.runtime.nodes import Nodes
from llmtrain_operator.runtime.pod_pricer import PodPricer, PriceList

_PRICES = {"nodes": [{"instanceType": "big", "usdPerHour": 10}]}
_OPEN = with_pods(
    Ledger(),
    (paid_pod("old"),),
    (StageStatus(name=Stage.DATA, runs=(StageRun(),)),),
    last_seen=NOW,
    now=NOW,
)


class _Api(KubernetesApi):
    def __init__(self) -> None:
        super().__init__()
        self.asked: list[str] = []

    async def get(self, path: str) -> dict[str, Any] | None:
        self.asked.append(path)
        labels = {"node.kubernetes.io/instance-type": "big"}
        allocatable = {"cpu": "1", "memory": "1Gi"}
        return {"metadata": {"name": "n", "labels": labels}, "status": {"allocatable": allocatable}}


class _Bill:
    """Puts prices to two Pods."""

    def __init__(self, folder: Path) -> None:
        self.file, self.api = folder / "prices.yaml", _Api()
        self.has_prices(_PRICES)
        self._paying = PodPricer(PriceList(self.file), Nodes(self.api), "nvidia.com/gpu")

    def has_prices(self, prices: dict[str, Any]) -> None:
        self.file.write_text(yaml.safe_dump(prices))

    def paid(self, ledger: Ledger | None = None, **labels: str) -> dict[str, PaidPod] | None:
        self._paying.price_list.look()
        pods = [_pod("old", **labels), _pod("new", **labels)]
        paid = asyncio.run(self._paying.paid(pods, (), created=NOW, now=NOW, ledger=ledger))
        return None if paid is None else {each.uid: each for each in paid}


@pytest.fixture
def bill(tmp_path: Path) -> _Bill:
    return _Bill(tmp_path)


def _pod(uid: str, **labels: str) -> ObservedPod:
    scheduled = {
        "type": "PodScheduled",
        "status": "True",
        "lastTransitionTime": "2026-01-31T12:00:00Z",
    }
    metadata = {
        "name": uid,
        "namespace": "default",
        "uid": uid,
        "resourceVersion": "1",
        "labels": {"llmtrain.io/stage-group": "all"} | labels,
    }
    containers = [{"resources": {"requests": {"cpu": "1"}}}]
    return ObservedPod.model_validate(
        {
            "metadata": metadata,
            "spec": {"nodeName": f"node-of-{uid}", "containers": containers},
            "status": {"phase": "Running", "conditions": [scheduled]},
        }
    )


def test_only_the_nodes_of_pods_without_a_price_are_asked_for(bill: _Bill) -> None:
    paid = bill.paid(_OPEN)
    assert paid is not None
    assert paid["new"].price.usd_per_hour == 10
    assert bill.api.asked == ["/api/v1/nodes/node-of-new"]


def test_a_pod_with_a_profile_pays_the_profile_s_price(bill: _Bill) -> None:
    bill.has_prices(_PRICES | {"profiles": {"ib": 7}})
    paid = bill.paid(None, **{"llmtrain.io/profile": "ib"})
    assert paid is not None
    assert paid["new"].price.usd_per_hour == 7


def test_prices_that_are_taken_away_end_no_account(bill: _Bill) -> None:
    bill.has_prices({})
    assert bill.paid() is None
    paid = bill.paid(_OPEN)
    assert paid is not None
    assert set(paid) == {"old", "new"}
    assert paid["new"].price.source is PriceSource.NONE
    assert bill.api.asked == []
