"""Serves the operator's metrics in a separate thread, so that a scrape delays no reconcile."""

import gzip
import logging
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.registry import Collector

from llmtrain_operator.metrics.exposition import CONTENT_TYPE
from llmtrain_operator.metrics.jobs_collector import JobsCollector
from llmtrain_operator.metrics.own import OwnMetrics

log = logging.getLogger(__name__)
QUICKLY = 1
"""Compression level: the lines are so alike that a higher one gains little and takes four times as
long."""


@contextmanager
def served_metrics(
    port: int, own: OwnMetrics, jobs: JobsCollector, *collectors: Collector
) -> Iterator[None]:
    """Serve the metrics at `/metrics` while the context is open.

    Args:
        port: port to bind to.
        own: the operator's counters.
        jobs: collector of the jobs' metrics.
        collectors: all other collectors.
    """
    registry = CollectorRegistry()
    for collector in (own.registry, *collectors):
        registry.register(collector)

    def page() -> bytes:
        return generate_latest(registry) + jobs.text(datetime.now(UTC)).encode()

    server = ThreadingHTTPServer(("", port), _handler(page))
    thread = threading.Thread(target=server.serve_forever, name="metrics", daemon=True)
    thread.start()
    try:
        yield
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def _handler(page: Callable[[], bytes]) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        timeout = 10  # limit for clients that connect and send nothing

        def do_GET(self) -> None:
            try:
                body = page()
            except Exception:
                log.exception("the metrics could not be collected")
                self.send_error(HTTPStatus.INTERNAL_SERVER_ERROR)
                return
            self.send_response(HTTPStatus.OK)
            self.send_header("Content-Type", CONTENT_TYPE)
            if "gzip" in self.headers.get("Accept-Encoding", ""):
                body = gzip.compress(body, QUICKLY)
                self.send_header("Content-Encoding", "gzip")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            """Do not log scrapes."""

    return Handler
