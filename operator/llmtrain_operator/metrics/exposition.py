"""Prometheus' text format, for lines that are rendered once and served many times.

https://prometheus.io/docs/instrumenting/exposition_formats/

prometheus_client renders every sample at each scrape, which takes most of a second for a thousand
jobs.
"""

from collections.abc import Iterable, Mapping
from functools import lru_cache
from typing import NamedTuple

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily

from llmtrain_api.metrics import Kind, PrometheusMetric

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"
_ESCAPES = str.maketrans({"\\": r"\\", '"': r"\"", "\n": r"\n"})
_HELP_ESCAPES = str.maketrans({"\\": r"\\", "\n": r"\n"})


class Sample(NamedTuple):
    """One value of a metric.

    Attributes:
        name: name of the metric.
        value: value in the unit of the metric's name.
        labels: labels other than those that all samples of a job share.
    """

    name: str
    value: float
    labels: tuple[str, ...] = ()


@lru_cache(maxsize=4096)  # labels that many jobs have in common, such as `phase="Running"`
def labelled(names: tuple[str, ...], values: tuple[str, ...]) -> str:
    """Labels in the form between the braces."""
    pairs = zip(names, values, strict=True)
    return ",".join([f'{name}="{value.translate(_ESCAPES)}"' for name, value in pairs])


def lines(
    samples: Iterable[Sample], shared: str, label_names: Mapping[str, tuple[str, ...]]
) -> dict[str, str]:
    """Render samples; returns lines by the name of their metric.

    Args:
        samples: samples to render.
        shared: labels of all samples, from `labelled`.
        label_names: names of the other labels, by the name of the metric.
    """
    written: dict[str, str] = {}
    for name, value, labels in samples:
        own = labelled(label_names[name], labels) if labels else ""
        between = "," if own and shared else ""
        line = f"{name}{{{shared}{between}{own}}} {float(value)!r}\n"
        written[name] = written[name] + line if name in written else line
    return written


def family(metric: PrometheusMetric, blocks: Iterable[str]) -> str:
    """Render a metric family: a metric's lines must stand together."""
    text = "".join(blocks)
    if not text:
        return ""
    help_text = metric.help.translate(_HELP_ESCAPES)
    return f"# HELP {metric.name} {help_text}\n# TYPE {metric.name} {metric.kind}\n{text}"


def family_of(metric: PrometheusMetric) -> GaugeMetricFamily | CounterMetricFamily:
    """An empty metric family."""
    kind = CounterMetricFamily if metric.kind is Kind.COUNTER else GaugeMetricFamily
    return kind(metric.name, metric.help, labels=metric.labels)


def families_of(
    metrics: Iterable[PrometheusMetric],
) -> dict[str, GaugeMetricFamily | CounterMetricFamily]:
    """Empty metric families, by the metric's name."""
    return {metric.name: family_of(metric) for metric in metrics}
