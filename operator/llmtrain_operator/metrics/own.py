"""The operator's metrics about itself."""

import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from importlib.metadata import version

from prometheus_client import CollectorRegistry, Counter, Histogram
from prometheus_client.metrics_core import Metric as Family
from prometheus_client.registry import Collector

from llmtrain_api.metrics import OPERATOR_METRICS
from llmtrain_operator.metrics.exposition import families_of

_EXPECTED_ERRORS = ("KubernetesError", "RayJobsError", "UnreachableError")
_BUCKETS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30)
_BY_NAME = {metric.name: metric for metric in OPERATOR_METRICS}
_GAUGES = (
    "llmtrain_operator_build_info",
    "llmtrain_operator_queue_jobs",
    "llmtrain_operator_queue_oldest_seconds",
    "llmtrain_operator_watch_age_seconds",
    "llmtrain_operator_resync_age_seconds",
    "llmtrain_operator_namespace_watched",
    "llmtrain_operator_leads",
)


class OwnMetrics:
    """Counters and timers of the operator."""

    def __init__(self) -> None:
        self.registry = registry = CollectorRegistry()
        durations = _BY_NAME["llmtrain_operator_reconcile_duration_seconds"]
        self._durations = Histogram(
            durations.name, durations.help, registry=registry, buckets=_BUCKETS
        )
        self._errors = _counter("llmtrain_operator_reconcile_errors_total", registry)
        for kind in _EXPECTED_ERRORS:
            self._errors.labels(kind)  # an increase from an absent series is lost
        self._events = _counter("llmtrain_operator_watch_events_total", registry)
        self._requests = _counter("llmtrain_operator_api_requests_total", registry)
        self.watch_times: dict[str, float] = {}
        """Time of each watch's newest event, by the monotonic clock."""

    @contextmanager
    def reconciling(self) -> Iterator[None]:
        """Measure a reconcile."""
        with self._durations.time():
            yield

    def count_error(self, error: Exception) -> None:
        """Count a failed reconcile."""
        self._errors.labels(type(error).__name__).inc()

    def count_event(self, kind: str) -> None:
        """Count an event of a watch."""
        self.watch_times[kind] = time.monotonic()
        self._events.labels(kind).inc()

    def count_request(self, method: str, code: int) -> None:
        """Count a request to the API server; status 0 means no answer."""
        self._requests.labels(method, str(code)).inc()


class OwnGauges(Collector):
    """Gauges of the operator, read at each scrape.

    Args:
        own: the operator's counters.
        waits: seconds that each job has waited for a reconcile.
        resync_age: seconds since the last resync.
        namespaces: namespaces of the operator's settings, and whether each is watched.
        leads: whether this operator leads.
    """

    def __init__(
        self,
        own: OwnMetrics,
        waits: Callable[[], list[float]],
        resync_age: Callable[[], float],
        namespaces: Mapping[str, bool],
        leads: Callable[[], bool],
    ) -> None:
        self._own, self._waits, self._resync_age = own, waits, resync_age
        self._namespaces, self._leads = namespaces, leads

    def collect(self) -> Iterable[Family]:
        """All samples at this moment."""
        families = families_of(_BY_NAME[name] for name in _GAUGES)
        info, length, oldest, watches, resync, watched, leads = families.values()
        waits = self._waits()
        info.add_metric((version("llmtrain"),), 1)
        length.add_metric((), len(waits))
        oldest.add_metric((), max(waits, default=0.0))
        resync.add_metric((), self._resync_age())
        leads.add_metric((), self._leads())
        for kind, seen in list(self._own.watch_times.items()):
            watches.add_metric((kind,), time.monotonic() - seen)
        for namespace, is_watched in self._namespaces.items():
            watched.add_metric((namespace,), is_watched)
        return families.values()


def _counter(name: str, registry: CollectorRegistry) -> Counter:
    metric = _BY_NAME[name]
    return Counter(metric.name, metric.help, metric.labels, registry=registry)
