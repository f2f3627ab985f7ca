"""The bill of fifty recorded Pods is the one that was worked out by hand."""

import random
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
import yaml
from support.job_harness import SETTINGS, UID, job_of
from support.repository import ROOT

from llmtrain_api import names
from llmtrain_api.cost import Ledger
from llmtrain_api.status import JobStatus
from llmtrain_lifecycle.decide import decide
from llmtrain_lifecycle.money.ledger import spent_usd
from llmtrain_lifecycle.money.nodes import ObservedNode
from llmtrain_lifecycle.money.paid_pods import GonePod, paid_pods
from llmtrain_lifecycle.money.prices import Prices
from llmtrain_lifecycle.observed import ObservedPod
from llmtrain_lifecycle.snapshot import Snapshot
from llmtrain_lifecycle.status_text import write_time

_GPU = "nvidia.com/gpu"
_LOOK = timedelta(seconds=20)
_KEPT = timedelta(hours=1)
"""So long a Pod that has finished is still there."""
_HISTORY: dict[str, Any] = yaml.safe_load(
    (ROOT / "tests" / "golden" / "pod_histories.yaml").read_text()
)


@dataclass(frozen=True)
class _Recorded:
    """One Pod of the history."""

    row: dict[str, Any]
    uid: str

    @property
    def gone(self) -> datetime | None:
        """Time of the object's deletion."""
        finished: datetime | None = self.row.get("finished")
        if finished is not None:
            return finished + _KEPT
        return self.row.get("deleted") or self.row.get("vanished")

    def at(self, time: datetime) -> ObservedPod:
        """The Pod in the form of the API server."""
        row, ended = self.row, self.row.get("finished")
        has_ended = ended is not None and time >= ended
        state = (
            {"terminated": {"exitCode": 0, "finishedAt": write_time(ended)}} if has_ended else {}
        )
        requests = {"cpu": str(row["cpu"]), "memory": row["memory"], _GPU: str(row["gpu"])}
        scheduled = write_time(row["scheduled"])
        return ObservedPod.model_validate(
            {
                "metadata": {
                    "name": self.uid,
                    "namespace": "default",
                    "uid": self.uid,
                    "resourceVersion": "1",
                    "labels": {names.STAGE_GROUP_LABEL: "all"},
                },
                "spec": {
                    "nodeName": row["node"],
                    "containers": [{"resources": {"requests": requests}}],
                },
                "status": {
                    "phase": "Succeeded" if has_ended else "Running",
                    "conditions": [
                        {"type": "PodScheduled", "status": "True", "lastTransitionTime": scheduled}
                    ],
                    "containerStatuses": [{"name": "ray", "state": state}],
                },
            }
        )


_PODS = [_Recorded(row, f"pod-{number}") for number, row in enumerate(_HISTORY["pods"])]


def _nodes() -> dict[str, ObservedNode]:
    return {
        name: ObservedNode.model_validate(
            {
                "metadata": {
                    "name": name,
                    "labels": {
                        "node.kubernetes.io/instance-type": node["instanceType"],
                        "karpenter.sh/capacity-type": "spot" if node["spot"] else "on-demand",
                    },
                },
                "status": {
                    "allocatable": {
                        "cpu": str(node["cpu"]),
                        "memory": node["memory"],
                        _GPU: str(node["gpu"]),
                    }
                },
            }
        )
        for name, node in _HISTORY["nodes"].items()
    }


def _looks() -> Iterator[tuple[datetime, bool]]:
    """Each time at which the operator looks, and whether it has just woken up."""
    for span in _HISTORY["awake"]:
        time, woke = span["from"], True
        while time < span["until"]:
            yield time, woke
            time, woke = time + _LOOK, False


def _clock(time: datetime) -> datetime:
    """What the operator's clock shows."""
    back = _HISTORY["clockBack"]
    seconds = timedelta(seconds=back["seconds"])
    return time - seconds if back["at"] <= time < back["at"] + seconds else time


def _replay(forgets: Callable[[], bool]) -> Ledger:
    """The ledger at the end.

    Args:
        forgets: whether the operator is started anew, and has only the status.
    """
    job = job_of("data", policy={"schedulingTimeoutSeconds": 31_536_000})
    prices, nodes, created = Prices.model_validate(_HISTORY["prices"]), _nodes(), _HISTORY["begin"]
    status, gone, seen = JobStatus(), {}, set()
    for time, woke in _looks():
        if forgets():
            gone = {}
        if woke:
            gone, seen = {}, set()
        there = [
            pod
            for pod in _PODS
            if pod.row["scheduled"] <= time and (pod.gone is None or time < pod.gone)
        ]
        for pod in _PODS:
            if pod.uid in seen and pod not in there:
                assert pod.gone is not None
                gone.setdefault(pod.uid, GonePod(pod.at(pod.gone), pod.gone))
        seen |= {pod.uid for pod in there}
        now = _clock(time)
        paid = paid_pods(
            [pod.at(time) for pod in there],
            gone.values(),
            nodes,
            created=created,
            prices=prices,
            gpu_resource=_GPU,
            now=now,
        )
        snapshot = Snapshot(created=created, paid=paid)
        status = decide(job, UID, 1, status, snapshot, now, SETTINGS).status
    assert status.cost is not None
    return status.cost.ledger


def test_the_rows_of_the_history_add_up() -> None:
    assert len(_PODS) == 50
    assert sum(pod.row["usd"] for pod in _PODS) == pytest.approx(_HISTORY["totalUsd"], abs=0.01)


def test_the_bill_is_the_one_worked_out_by_hand() -> None:
    ledger = _replay(lambda: False)
    spent = float(spent_usd(ledger, _HISTORY["end"]))
    assert spent == pytest.approx(_HISTORY["totalUsd"], rel=0.001)
    assert 0 < ledger.estimated_usd < Decimal("0.1") * Decimal(str(_HISTORY["totalUsd"]))


def test_a_thousand_restarts_change_nothing() -> None:
    chance, restarts = random.Random(1), 0  # noqa: S311 - no secret rests on it

    def forgets() -> bool:
        nonlocal restarts
        restarts += (restart := chance.random() < 0.75)
        return restart

    ledger = _replay(forgets)
    assert restarts >= 1000
    calm = _replay(lambda: False)
    # Which Pods it remembers to have closed depends on what it still sees; the bill does not.
    assert ledger.replace(ended=()) == calm.replace(ended=())
