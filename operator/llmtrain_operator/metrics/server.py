"""Serves the operator's metrics, in a thread of its own: a scrape of many jobs delays no pass."""

from collections.abc import Iterator
from contextlib import contextmanager

from prometheus_client import CollectorRegistry, start_http_server
from prometheus_client.registry import Collector

from llmtrain_operator.metrics.own import OwnMetrics


@contextmanager
def served_metrics(port: int, own: OwnMetrics, *collectors: Collector) -> Iterator[None]:
    """Serve them at `/metrics` while the context is open.

    Args:
        port: to bind to.
        own: what the operator counts.
        collectors: of everything else.
    """
    registry = CollectorRegistry()
    for collector in (own.registry, *collectors):
        registry.register(collector)
    server, thread = start_http_server(port, registry=registry)
    try:
        yield
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
