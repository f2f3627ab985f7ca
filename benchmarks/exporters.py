"""What exporting costs: the operator's scrape of many jobs, and the driver's part of a step.

PYTHONPATH=tests python benchmarks/exporters.py --jobs 1000
"""

import argparse
import gc
import statistics
import threading
import time
import urllib.request
from collections.abc import Callable
from pathlib import Path

import psutil
from prometheus_client import CollectorRegistry, generate_latest
from support.cluster.jobs import whole_line
from support.cluster.processes import LOOPBACK, free_port
from support.report_workspace import run
from support.tiny_job import pretrain_config

from llmtrain_operator.metrics.jobs_collector import JobsCollector
from llmtrain_operator.shell.caches import Caches
from llmtrain_trainer.progress.http_reporter import HttpReporter
from llmtrain_trainer.progress.server import REPORT_PATH, serve_progress
from llmtrain_trainer.progress.tracker import ProgressTracker
from llmtrain_trainer.training.stopwatch import Stopwatch

_STEP_SECONDS = 0.42
"""Of the quickstart's pretraining on two cores: docs/performance.md."""
_SCRAPE_SECONDS, _POLL_SECONDS = 15, 2
_TIMES = 5


def main() -> None:
    """Measure both."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--jobs", type=int, default=1000)
    scrapes(parser.parse_args().jobs)
    driver()


def scrapes(count: int) -> None:
    """The operator's: how long a scrape takes, and whether its series and memory come back."""
    caches, registry = Caches(), CollectorRegistry()
    registry.register(JobsCollector(caches))
    empty, memory = len(generate_latest(registry).splitlines()), resident_mb()
    bodies = [job(f"job-{number}") for number in range(count)]
    for body in bodies:
        caches.put_job(body)
    seconds = median_seconds(lambda: generate_latest(registry))
    page = generate_latest(registry)
    full = resident_mb()
    for body in bodies:
        caches.drop_job(body)
    del bodies
    gc.collect()
    after = len(generate_latest(registry).splitlines())
    print(f"scrape of {count} jobs: {seconds:.2f} s, {len(page) / 1e6:.1f} MB")
    print(f"lines: {empty} empty, {len(page.splitlines())} full, {after} after")
    print(f"memory: {memory:.0f} MB empty, {full:.0f} MB full, {resident_mb():.0f} MB after")


def driver() -> None:
    """The driver's and rank 0's: seconds that reporting takes of an optimizer step."""
    tracker = ProgressTracker(pretrain_config(Path("/nowhere")))
    port, stop = free_port(), threading.Event()
    with (
        serve_progress(LOOPBACK, port, tracker, stop, token="token"),  # noqa: S106 - of nobody
        HttpReporter(f"http://{LOOPBACK}:{port}{REPORT_PATH}", "token", stop) as reporter,
    ):
        watch = Stopwatch()

        def publish() -> None:
            for _ in range(1000):
                with watch.measure("productive"), watch.measure("data_wait"):
                    pass
                reporter.update(step=1, loss=2.5, percent=50, work=watch.work)

        per_step = median_seconds(publish) / 1000
        read = {
            path: median_seconds(lambda path=path: fetch(f"http://{LOOPBACK}:{port}{path}"))
            for path in ("/progress", "/metrics")
        }
    share = per_step / _STEP_SECONDS
    share += read["/metrics"] / _SCRAPE_SECONDS + read["/progress"] / _POLL_SECONDS
    print(f"a step's report: {per_step * 1e6:.0f} us; /progress {read['/progress'] * 1e3:.1f} ms;")
    print(f"/metrics {read['/metrics'] * 1e3:.1f} ms; all together {share:.3%} of the time")


def job(name: str) -> dict[str, object]:
    """A job that runs, as the API server tells of it."""
    status = run().status
    body: dict[str, object] = whole_line(name)
    metadata = {
        "name": name,
        "namespace": "default",
        "uid": f"uid-{name}",
        "resourceVersion": "1",
        "creationTimestamp": "2026-01-31T11:00:00Z",
    }
    told = status.model_dump(mode="json", exclude_none=True)
    return {**body, "metadata": metadata, "status": told}


def fetch(url: str) -> None:
    """Read a page."""
    with urllib.request.urlopen(url) as reply:  # noqa: S310 - our own server
        reply.read()


def median_seconds(action: Callable[[], object]) -> float:
    """Of some runs."""
    times = []
    for _ in range(_TIMES):
        started = time.perf_counter()
        action()
        times.append(time.perf_counter() - started)
    return statistics.median(times)


def resident_mb() -> float:
    """Of this process."""
    return psutil.Process().memory_info().rss / 1e6


if __name__ == "__main__":
    main()
