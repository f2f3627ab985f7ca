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
        labels, values = (self._tracker.job_name, report.stage.value), _values(report)
        for metric in DRIVER_METRICS:
            is_counter = metric.kind is Kind.COUNTER
            kind = CounterMetricFamily if is_counter else GaugeMetricFamily
            family = kind(metric.name, metric.help, labels=metric.labels)
            for more, value in values[metric.name].items():
                family.add_metric((*labels, *more), value)
            if family.samples:
                yield family


def _values(report: ProgressReport) -> dict[str, dict[tuple[str, ...], float]]:
    """By metric, and by the labels that it has beside job and stage."""
    buckets = report.work.model_dump(by_alias=True)
    del buckets["uncommitted"]  # it is in `productive`
    plain = {
        "llmtrain_driver_progress_ratio": report.percent / 100,
        "llmtrain_driver_heartbeat_timestamp_seconds": report.heartbeat,
        "llmtrain_driver_step": report.step,
        "llmtrain_driver_loss": report.loss,
        "llmtrain_driver_validation_bits_per_byte": report.validation_bits_per_byte,
        "llmtrain_driver_tokens": report.tokens,
        "llmtrain_driver_tokens_per_second": report.tokens_per_second,
        "llmtrain_driver_mfu_ratio": report.mfu,
        "llmtrain_driver_gradient_norm": report.gradient_norm,
        "llmtrain_driver_learning_rate": report.learning_rate,
        "llmtrain_driver_memory_bytes": report.memory_bytes,
        "llmtrain_driver_eta_seconds": report.eta_seconds,
        "llmtrain_driver_checkpoint_step": report.checkpoint_step,
        "llmtrain_driver_checkpoint_timestamp_seconds": report.checkpoint_time,
    }
    known: dict[str, dict[tuple[str, ...], float]] = {
        name: {} if value is None else {(): value} for name, value in plain.items()
    }
    return known | {
        "llmtrain_driver_info": {(str(report.attempt),): 1},
        "llmtrain_driver_time_seconds_total": {
            (bucket,): seconds for bucket, seconds in buckets.items()
        },
    }
