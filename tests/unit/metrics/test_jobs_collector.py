"""A scrape shows every existing job at the current time, and nothing else."""

import logging
from collections.abc import Iterable
from datetime import timedelta
from typing import Any

import pytest
from prometheus_client.parser import text_string_to_metric_families
from support.live_job import NOW, NUM_ATTEMPTS, USD_PER_HOUR, live_body, live_status

from llmtrain_api.metrics import JOB_METRICS, Kind
from llmtrain_api.status import Phase
from llmtrain_lifecycle.goodput import seconds_until
from llmtrain_lifecycle.money.waste import wasted_usd
from llmtrain_operator.informer.caches import Caches
from llmtrain_operator.metrics.jobs_collector import JobsCollector

_UNMEASURED = {
    "llmtrain_job_completion_timestamp_seconds",
    "llmtrain_job_evaluation_result",
    "llmtrain_job_evaluation_standard_error",
}
"""Metrics that only an ended job has."""


class _Scraped:
    """The operator's caches and a collector."""

    def __init__(self, *bodies: Any) -> None:
        self.caches, self.now, self.leads = Caches(), NOW, True
        self.collector = JobsCollector(self.caches, lambda: self.leads)
        for body in bodies:
            self.caches.put_job(body)

    def families(self) -> Iterable[Any]:
        """As Prometheus reads them."""
        return text_string_to_metric_families(self.collector.text(self.now))

    def values(self, metric: str, name: str = "live") -> dict[str, float]:
        """Values of a job's metric, by the labels beside name and namespace."""
        return {
            "/".join(v for k, v in sample.labels.items() if k not in {"name", "namespace"}): (
                sample.value
            )
            for family in self.families()
            for sample in family.samples
            if sample.name == metric and sample.labels.get("name") == name
        }

    def value(self, metric: str, name: str = "live") -> float:
        """The only one."""
        (value,) = self.values(metric, name).values()
        return value


def test_an_operator_that_does_not_lead_has_no_samples_of_jobs() -> None:
    scraped = _Scraped(live_body())
    scraped.leads = False
    assert not list(scraped.families())


def test_a_job_at_work_has_every_metric_with_its_labels() -> None:
    exported = {
        sample.name: set(sample.labels)
        for family in _Scraped(live_body()).families()
        for sample in family.samples
    }
    expected = {m.name: set(m.labels) for m in JOB_METRICS if m.name not in _UNMEASURED}
    assert exported == expected | {"llmtrain_operator_jobs": {"phase"}}


def test_every_metric_has_its_type_line() -> None:
    kinds = {family.name: family.type for family in _Scraped(live_body()).families()}
    for metric in JOB_METRICS:
        if metric.name not in _UNMEASURED:
            assert kinds[metric.name.removesuffix("_total")] == metric.kind
    assert Kind.COUNTER in kinds.values()


def test_time_and_money_go_on_between_two_writes_of_the_status() -> None:
    scraped, status = _Scraped(live_body()), live_status()
    assert status.goodput is not None
    assert status.cost is not None
    spent = scraped.value("llmtrain_job_spent_usd")
    for _ in range(3):
        scraped.now += timedelta(minutes=10)
        seconds = seconds_until(status.goodput, scraped.now).model_dump(by_alias=True)
        assert scraped.values("llmtrain_job_time_seconds") == seconds
        assert sum(seconds.values()) == (scraped.now - NOW).seconds + 3600 * NUM_ATTEMPTS + 1800
        wasted = wasted_usd(status.cost.ledger, status.goodput, scraped.now)
        assert scraped.value("llmtrain_job_wasted_usd") == pytest.approx(float(wasted))
    gained = scraped.value("llmtrain_job_spent_usd") - spent
    assert gained == pytest.approx(float(5 * USD_PER_HOUR / 2))


def test_a_newer_version_replaces_the_samples() -> None:
    scraped = _Scraped(live_body(), live_body("other"))
    assert scraped.value("llmtrain_job_loss") == 3.21
    newer = live_body(version=2)
    newer["metadata"]["generation"] = 2
    newer["status"]["progress"]["loss"] = 2.5
    newer["spec"]["policy"]["budget"]["maxUsd"] = 123
    scraped.caches.put_job(newer)
    assert scraped.value("llmtrain_job_loss") == 2.5
    assert scraped.value("llmtrain_job_budget_usd") == 123
    assert scraped.value("llmtrain_job_loss", "other") == 3.21


def test_the_series_of_a_job_go_with_it() -> None:
    scraped = _Scraped(live_body(), live_body("gone"))
    assert 'name="gone"' in scraped.collector.text(NOW)
    scraped.caches.drop_job(live_body("gone"))
    text = scraped.collector.text(NOW)
    assert 'name="gone"' not in text
    assert 'name="live"' in text


def test_a_job_that_has_ended_stands_still() -> None:
    body = live_body()
    body["status"]["phase"] = Phase.SUCCEEDED.value
    del body["status"]["goodput"]["intervals"][-1]
    body["status"]["cost"]["ledger"]["open"] = []
    scraped = _Scraped(body)
    first = scraped.collector.text(NOW)
    assert scraped.values("llmtrain_job_time_seconds")["lostWork"] == 500 * NUM_ATTEMPTS
    assert scraped.value("llmtrain_job_spent_usd") == 4002
    assert scraped.collector.text(NOW + timedelta(days=1)) == first


@pytest.mark.parametrize(
    ("path", "value"),
    [
        (("cluster", "group"), "unheard"),
        (("goodput",), "not an object"),
        (("goodput", "intervals"), [{"end": "x", "seconds": {"queued": "long"}}]),
        (("goodput", "intervals", -1, "start"), "yesterday"),
        (("cost", "ledger", "open", 1, "usdPerHour"), "1e40"),
    ],
)
def test_a_status_that_cannot_be_read_hides_no_other_job(
    path: tuple[str | int, ...], value: object, caplog: pytest.LogCaptureFixture
) -> None:
    broken = live_body("broken")
    node: Any = broken["status"]
    for step in path[:-1]:
        node = node[step]
    node[path[-1]] = value
    scraped = _Scraped(broken, live_body())
    for _ in range(2):
        with caplog.at_level(logging.ERROR):
            text = scraped.collector.text(NOW)
        assert 'name="broken"' not in text
        assert 'llmtrain_operator_jobs{phase="Running"} 1.0\n' in text
    (record,) = caplog.records  # once for each version
    assert vars(record)["k8s_ref"] == {"namespace": "ml", "name": "broken"}
    scraped.caches.put_job(live_body("broken", version=2))
    assert 'name="broken"' in scraped.collector.text(NOW)


def test_fields_of_a_newer_operator_do_no_harm() -> None:
    body = live_body()
    body["status"]["unheardOf"] = 1
    body["status"]["progress"]["unheardOf"] = 1
    body["status"]["goodput"]["intervals"][0]["seconds"]["unheardOf"] = 1.0
    assert _Scraped(body).value("llmtrain_job_loss") == 3.21


def test_a_manifest_that_cannot_be_read_is_counted_and_no_more() -> None:
    body = live_body()
    body["spec"]["pretrain"] = "soon"
    text = _Scraped(body).collector.text(NOW)
    assert 'llmtrain_operator_jobs{phase="Running"} 1.0\n' in text
    assert 'name="live"' not in text


def test_text_that_programs_gave_breaks_no_line() -> None:
    body = live_body()
    body["status"]["conditions"][0]["reason"] = 'A "quote"\nand a \\'
    assert 'A "quote"\nand a \\' in _Scraped(body).values("llmtrain_job_reason")
