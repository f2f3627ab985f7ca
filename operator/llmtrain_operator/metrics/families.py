"""From our list of metrics to what prometheus_client writes."""

from collections.abc import Iterable

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily

from llmtrain_api.metrics import Kind, PrometheusMetric


def family_of(metric: PrometheusMetric) -> GaugeMetricFamily | CounterMetricFamily:
    """An empty family of a metric."""
    kind = CounterMetricFamily if metric.kind is Kind.COUNTER else GaugeMetricFamily
    return kind(metric.name, metric.help, labels=metric.labels)


def families_of(
    metrics: Iterable[PrometheusMetric],
) -> dict[str, GaugeMetricFamily | CounterMetricFamily]:
    """Empty families, by the metric's name."""
    return {metric.name: family_of(metric) for metric in metrics}
