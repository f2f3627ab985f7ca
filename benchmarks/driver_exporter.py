"""What exporting costs a training step: the driver's metrics and progress, and rank 0's reports.

PYTHONPATH=tests python benchmarks/driver_exporter.py
"""

import statistics
import threading
import time
import urllib.request
from collections.abc import Callable
from functools import partial
from pathlib import Path

from support.cluster.processes import LOOPBACK, free_port
from support.tiny_job import pretrain_config

from llmtrain_api.training_metrics import TrainingMetrics
from llmtrain_trainer.progress.reporter import HttpReporter
from llmtrain_trainer.progress.server import REPORT_PATH, serve_progress
from llmtrain_trainer.progress.tracker import ProgressTracker
from llmtrain_trainer.training.measurements import Stopwatch

_STEP_SECONDS = 0.42
"""Step time of the quickstart's pretraining on two cores: docs/performance.md."""
_SCRAPE_SECONDS, _POLL_SECONDS = 15, 2
_TIMES = 5
_TOKEN = "of nobody"  # noqa: S105


def main() -> None:
    """The driver's and rank 0's: seconds that reporting takes of an optimizer step."""
    tracker = ProgressTracker(pretrain_config(Path("/nowhere")))
    port, stop = free_port(), threading.Event()
    with (
        serve_progress(LOOPBACK, port, tracker, stop, token=_TOKEN, cluster_token=_TOKEN),
        HttpReporter(f"http://{LOOPBACK}:{port}{REPORT_PATH}", _TOKEN, stop) as reporter,
    ):
        watch = Stopwatch()

        def publish() -> None:
            for _ in range(1000):
                with watch.measure("productive"), watch.measure("data_wait"):
                    pass
                reporter.log(TrainingMetrics(step=1, loss=2.5))
                reporter.update(percent=50, work=watch.work)

        per_step = median_seconds(publish) / 1000
        read = {
            path: median_seconds(partial(fetch, f"http://{LOOPBACK}:{port}{path}"))
            for path in ("/progress", "/metrics")
        }
    share = per_step / _STEP_SECONDS
    share += read["/metrics"] / _SCRAPE_SECONDS + read["/progress"] / _POLL_SECONDS
    print(f"a step's report: {per_step * 1e6:.0f} us; /progress {read['/progress'] * 1e3:.1f} ms;")
    print(f"/metrics {read['/metrics'] * 1e3:.1f} ms; all together {share:.3%} of the time")


def fetch(url: str) -> None:
    """Read a page."""
    headers = {"Authorization": f"Bearer {_TOKEN}"}
    request = urllib.request.Request(url, headers=headers)  # noqa: S310 - our own server
    with urllib.request.urlopen(request) as reply:  # noqa: S310
        reply.read()


def median_seconds(action: Callable[[], object]) -> float:
    """The median of some runs."""
    times = []
    for _ in range(_TIMES):
        started = time.perf_counter()
        action()
        times.append(time.perf_counter() - started)
    return statistics.median(times)


if __name__ == "__main__":
    main()
