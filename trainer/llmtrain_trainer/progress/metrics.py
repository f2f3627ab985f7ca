"""The driver's metrics for Prometheus: its newest report, at each scrape."""

from collections.abc import Iterable

from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily
from prometheus_client.metrics_core import Metric as Family
from prometheus_client.registry import Collector

from llmtrain_api.metrics import DRIVER_METRICS, Kind
from llmtrain_api.progress import ProgressReport
from llmtrain_trainer.progress.tracker import ProgressTracker

METRICS_PATH = "/metrics"
METRICS_TYPE = "text/plain; version=0.0.4; charset=utf-8"


def exposition(tracker: ProgressTracker) -> str:
    """The metrics as text."""
    registry = CollectorRegistry()
    registry.register(_DriverCollector(tracker))
    return generate_latest(registry).decode()


class _DriverCollector(Collector):
    def __init__(self, tracker: ProgressTracker) -> None:
        self._tracker = tracker

    def collect(self) -> Iterable[Family]:
        report = self._tracker.report
        labels = (self._tracker.job_name, report.stage.value)
        special = _special(report)
        for metric in DRIVER_METRICS:
            is_counter = metric.kind is Kind.COUNTER
            kind = CounterMetricFamily if is_counter else GaugeMetricFamily
            family = kind(metric.name, metric.help, labels=metric.labels)
            if metric.source is None:
                for label, number in special[metric.name].items():
                    family.add_metric((*labels, label), number)
            elif (value := metric.source.exported_from(report)) is not None:
                family.add_metric(labels, value)
            if family.samples:
                yield family


def _special(report: ProgressReport) -> dict[str, dict[str, float]]:
    """The metrics with a label of their own, by its value."""
    seconds = report.work.model_dump(by_alias=True)
    del seconds["uncommitted"]  # it is in `productive`
    return {
        "llmtrain_driver_info": {str(report.attempt): 1},
        "llmtrain_driver_scalar": dict(report.scalars or {}),
        "llmtrain_driver_time_seconds_total": seconds,
    }
