"""The driver's HTTP server: its progress as JSON and for Prometheus, rank 0's reports, the stop.

Whoever has the token of the Ray cluster may read the progress, and ask for a stop, as a Pod does
that is being taken away. Reports need a token that only rank 0 has. Metrics are open on request:
Prometheus has no token for each Ray cluster.
"""

import hmac
import json
import threading
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily
from prometheus_client.metrics_core import Metric as Family
from prometheus_client.registry import Collector
from pydantic import ValidationError

from llmtrain_api.metrics import DRIVER_METRICS, Kind
from llmtrain_api.names import PROGRESS_PATH
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


REPORT_PATH = "/report"
STOP_PATH = "/stop"
_LARGEST_REPORT_BYTES = 65536


@contextmanager
def serve_progress(
    host: str,
    port: int,
    tracker: ProgressTracker,
    stop: threading.Event,
    *,
    token: str,
    cluster_token: str | None = None,
    open_metrics: bool = False,
) -> Iterator[None]:
    """Serve all of it while the context is open.

    Args:
        host: address to bind to.
        port: port to bind to.
        tracker: what is served, and where reports go.
        stop: its state is the answer to every report.
        token: token that a report must carry.
        cluster_token: token that all other requests must carry; None refuses them all.
        open_metrics: whether metrics need no token.
    """
    server = _Server((host, port), _Handler)
    server.tracker, server.stop = tracker, stop
    server.tokens = {
        REPORT_PATH: token,
        STOP_PATH: cluster_token,
        PROGRESS_PATH: cluster_token,
        METRICS_PATH: cluster_token,
    }
    server.open_paths = {METRICS_PATH} if open_metrics else set()
    thread = threading.Thread(target=server.serve_forever, name="progress", daemon=True)
    thread.start()
    try:
        yield
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    tracker: ProgressTracker
    stop: threading.Event
    tokens: dict[str, str | None]
    """Required token by path."""
    open_paths: set[str]
    """Those that need nothing."""


class _Handler(BaseHTTPRequestHandler):
    server: _Server
    timeout = 30.0  # in seconds, for one who connects and says nothing

    def do_GET(self) -> None:
        tracker = self.server.tracker
        if not self._is_allowed():
            self.send_error(HTTPStatus.FORBIDDEN)
        elif self.path == PROGRESS_PATH:
            self._reply(tracker.report.model_dump_json())
        elif self.path == METRICS_PATH:
            self._reply(exposition(tracker), METRICS_TYPE)
        else:
            self.send_error(HTTPStatus.NOT_FOUND)

    def do_POST(self) -> None:
        if not self._is_allowed():
            self.send_error(HTTPStatus.FORBIDDEN)
        elif self.path == STOP_PATH:
            self.server.stop.set()
            self._reply("{}")
        elif self.path == REPORT_PATH:
            self._take_report()
        else:
            self.send_error(HTTPStatus.NOT_FOUND)

    def _is_allowed(self) -> bool:
        """Whether a request carries what its path asks for."""
        if self.path in self.server.open_paths:
            return True
        expected = self.server.tokens.get(self.path)
        # A proxy in between, such as the Kubernetes API server, keeps `Authorization` for itself.
        headers = (self.headers.get(name) for name in ("X-Ray-Authorization", "Authorization"))
        sent = next((value for value in headers if value), "")
        return expected is not None and hmac.compare_digest(
            sent.encode(), f"Bearer {expected}".encode()
        )

    def _take_report(self) -> None:
        length = int(self.headers.get("Content-Length", "0"))
        if length > _LARGEST_REPORT_BYTES:
            self.send_error(HTTPStatus.REQUEST_ENTITY_TOO_LARGE)
            return
        try:
            self.server.tracker.take(json.loads(self.rfile.read(length)))
        except (ValidationError, TypeError, ValueError) as error:
            self.send_error(HTTPStatus.BAD_REQUEST, str(error).splitlines()[0])
            return
        self._reply(json.dumps({"stop": self.server.stop.is_set()}))

    def _reply(self, body: str, kind: str = "application/json") -> None:
        content = body.encode()
        self.send_response(HTTPStatus.OK)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - inherited name
        """Requests are not logged: there is one a second."""
