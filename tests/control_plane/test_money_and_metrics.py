"""What a job costs, in its status and in what Prometheus reads: of a real operator."""

import itertools
import subprocess
import time
import urllib.request
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from urllib.error import URLError

import pytest
import yaml
from support.cluster.binaries import binary
from support.cluster.processes import LOOPBACK, free_port
from support.nodeless_cluster import NodelessCluster
from support.nodeless_job import NodelessJob
from support.operator_process import running_warm_operator

from llmtrain_api.stages import Stage
from llmtrain_api.status import JobStatus, Phase, StageState
from llmtrain_lifecycle.status_text import read_time

_PRICES = {"resources": {"cpuUsdPerHour": 3600, "gibUsdPerHour": 0}}
"""A dollar a second for each core."""


@dataclass(frozen=True)
class _Operator:
    """One with prices and metrics."""

    port: int
    prices: Path

    def wait(self) -> None:
        """Wait until it can be read."""
        deadline = time.monotonic() + 60
        while True:
            with suppress(URLError):
                self.scrape()
                return
            assert time.monotonic() < deadline

    def scrape(self) -> str:
        """What Prometheus would read."""
        with urllib.request.urlopen(f"http://{LOOPBACK}:{self.port}/metrics") as reply:
            text: str = reply.read().decode()
        return text


@pytest.fixture
def operator(cluster: NodelessCluster, tmp_path: Path) -> Iterator[_Operator]:
    prices, port = tmp_path / "prices.yaml", free_port()
    prices.write_text(yaml.safe_dump(_PRICES))
    settings = {"pollSeconds": 0.1, "resyncSeconds": 1, "metricsPort": port}
    with running_warm_operator(
        cluster.operator_kubeconfig, tmp_path, pricesFile=str(prices), **settings
    ):
        running = _Operator(port, prices)
        running.wait()
        yield running
    cluster.ray.endless = ()


def _spent(status: JobStatus) -> Decimal:
    return status.cost.spent_usd if status.cost else Decimal(0)


def _has_a_pod_of_two_seconds(status: JobStatus) -> bool:
    since = datetime.now(UTC) - timedelta(seconds=2)
    opened = status.cost.ledger.open if status.cost else ()
    return any(read_time(pods.start) < since for pods in opened)


def test_a_job_s_bill_stands_when_its_pods_are_gone(
    cluster: NodelessCluster, operator: _Operator
) -> None:
    cluster.ray.endless = ("data-0",)  # Kubernetes' times are whole seconds: let one pass
    job = NodelessJob.short(cluster.client, "paid")
    job.wait_until(_has_a_pod_of_two_seconds)
    cluster.ray.endless = ()
    job.wait_for_phase(Phase.SUCCEEDED)
    job.wait_until(lambda status: status.cost is not None and not status.cost.ledger.open)
    cost = job.status.cost
    assert cost is not None
    assert cost.spent_usd > 0
    assert cost.usd_per_hour == 0
    assert sum(stage.usd for stage in cost.by_stage) == pytest.approx(cost.spent_usd)
    sample = 'llmtrain_job_spent_usd{name="paid",namespace="default"}'
    (line,) = [line for line in operator.scrape().splitlines() if line.startswith(sample)]
    assert float(line.split()[-1]) == pytest.approx(float(cost.spent_usd), abs=0.01)
    job.delete()


def test_a_spent_budget_suspends(cluster: NodelessCluster, operator: _Operator) -> None:
    cluster.ray.endless = ("data-0", "data-1")
    policy = {"budget": {"maxUsd": 20, "action": "suspend"}}
    job = NodelessJob.short(cluster.client, "thrifty", policy=policy)
    status = job.wait_for_phase(Phase.SUSPENDED)
    assert "policy.budget.maxUsd: 20" in status.conditions[0].message
    job.wait_until(lambda status: status.cost is not None and not status.cost.ledger.open)
    assert _spent(job.status) >= 20
    job.set_policy(budget={"maxUsd": 100_000})
    job.wait_for_stage(Stage.DATA, StageState.RUNNING)
    job.delete()
    assert operator.port


def test_new_prices_need_no_restart(cluster: NodelessCluster, operator: _Operator) -> None:
    cluster.ray.endless = ("data-0",)
    operator.prices.write_text(yaml.safe_dump({"resources": {"cpuUsdPerHour": "much"}}))
    assert _price_of_a_new_job(cluster, "wrong-list") >= 3600
    operator.prices.write_text(yaml.safe_dump({"resources": {"cpuUsdPerHour": 0.36}}))
    numbers = itertools.count()
    while _price_of_a_new_job(cluster, f"new-list-{next(numbers)}") >= 3600:
        assert next(numbers) < 100


def _price_of_a_new_job(cluster: NodelessCluster, name: str) -> Decimal:
    job = NodelessJob.short(cluster.client, name)
    status = job.wait_until(lambda status: bool(status.cost and status.cost.ledger.open))
    assert status.cost is not None
    job.delete()
    return status.cost.usd_per_hour


def test_series_go_with_their_job_and_are_well_named(
    cluster: NodelessCluster, operator: _Operator
) -> None:
    job = NodelessJob.short(cluster.client, "scraped", policy={"budget": {"maxUsd": 1e6}})
    job.wait_for_phase(Phase.SUCCEEDED)
    text = operator.scrape()
    assert 'name="scraped"' in text
    checked = subprocess.run(
        [binary("promtool"), "check", "metrics"],
        input=text,
        capture_output=True,
        text=True,
        check=False,
    )
    assert checked.returncode == 0, checked.stderr + checked.stdout
    job.delete()
    deadline = time.monotonic() + 30
    while 'name="scraped"' in operator.scrape():
        assert time.monotonic() < deadline
