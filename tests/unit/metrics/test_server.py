"""The page that Prometheus reads."""

import gzip
import urllib.request
from collections.abc import Iterator
from urllib.error import HTTPError

import pytest
from prometheus_client.parser import text_string_to_metric_families
from support.cluster.processes import LOOPBACK, free_port
from support.live_job import live_body

from llmtrain_operator.informer.caches import Caches
from llmtrain_operator.metrics.jobs_collector import JobsCollector
from llmtrain_operator.metrics.own import OwnGauges, OwnMetrics
from llmtrain_operator.metrics.server import served_metrics


class _Jobs(JobsCollector):
    """One that can be made to fail."""

    broken = False

    def text(self, *args: object) -> str:
        if self.broken:
            raise RuntimeError("a fault of ours")
        return super().text(*args)


@pytest.fixture
def jobs() -> _Jobs:
    caches = Caches()
    caches.put_job(live_body())
    return _Jobs(caches, lambda: True)


@pytest.fixture
def url(jobs: _Jobs) -> Iterator[str]:
    own, port = OwnMetrics(), free_port()
    with served_metrics(
        port, own, jobs, OwnGauges(own, list, lambda: 1.0, {"team-a": True}, lambda: True)
    ):
        yield f"http://{LOOPBACK}:{port}/metrics"


def _read(url: str, **headers: str) -> tuple[bytes, str]:
    request = urllib.request.Request(
        url, headers={k.replace("_", "-"): headers[k] for k in headers}
    )
    with urllib.request.urlopen(request) as reply:
        return reply.read(), reply.headers["Content-Type"]


def test_metrics_of_the_operator_and_of_jobs_are_served(url: str) -> None:
    page, kind = _read(url)
    assert kind == "text/plain; version=0.0.4; charset=utf-8"
    names = [family.name for family in text_string_to_metric_families(page.decode())]
    assert "llmtrain_operator_build_info" in names
    assert "llmtrain_job_spent_usd" in names
    assert len(names) == len(set(names))


def test_compresses_for_whoever_asks(url: str) -> None:
    page, _ = _read(url, Accept_Encoding="gzip")
    assert b"llmtrain_job_spent_usd" in gzip.decompress(page)


def test_a_failing_collector_answers_500_and_ends_nothing(url: str, jobs: _Jobs) -> None:
    jobs.broken = True
    with pytest.raises(HTTPError) as refusal:
        _read(url)
    assert refusal.value.code == 500
    refusal.value.close()
    jobs.broken = False
    assert _read(url)[0]
