"""A scrape of jobs that all train: with prices, progress and as many intervals as a status holds.

    PYTHONPATH=tests python benchmarks/scrape.py --jobs 1000

In one process, as Prometheus asks: collected, written, compressed. Where statuses are new, each was
written since the last scrape: those of jobs at work are, twice a minute.
"""

import argparse
import copy
import gzip
import time
from collections.abc import Callable
from typing import Any

import psutil
from support.live_job import NOW, live_body

from llmtrain_operator.informer.caches import Caches
from llmtrain_operator.metrics.jobs_collector import JobsCollector
from llmtrain_operator.metrics.server import QUICKLY

_TIMES = 7


def main() -> None:
    """Print what scrapes take."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--jobs", type=int, default=1000)
    count = parser.parse_args().jobs
    caches, process = Caches(), psutil.Process()
    collector = JobsCollector(caches, lambda: True)
    put_all(caches, count, version=1)
    before = process.memory_info().rss
    page = collector.text(NOW).encode()
    kept = (process.memory_info().rss - before) / 1e6
    series = sum(not line.startswith(b"#") for line in page.splitlines())
    small = len(gzip.compress(page, QUICKLY)) / 1e6
    print(f"{count} jobs: {series} series, {len(page) / 1e6:.1f} MB, {small:.1f} MB compressed")
    print(f"kept in memory for them: {kept:.0f} MB")
    print("statuses as they were:", scrape_time(lambda _: None, collector))
    print(
        "statuses new:         ",
        scrape_time(lambda n: put_all(caches, count, version=n), collector),
    )


def put_all(caches: Caches, count: int, version: int) -> None:
    """Store every job in a new version, as from a watch."""
    body = live_body()
    for number in range(count):
        caches.put_job(named(body, f"job-{number}", version))


def named(body: dict[str, Any], name: str, version: int) -> dict[str, Any]:
    """A copy of its own, as each is that comes over a wire."""
    own = copy.deepcopy(body)
    own["metadata"] |= {"name": name, "uid": f"uid-{name}", "resourceVersion": str(version)}
    return own


def scrape_time(prepare: Callable[[int], None], collector: JobsCollector) -> str:
    """Seconds of some scrapes, on the clock and of the processor."""
    clock, processor = [], []
    for number in range(_TIMES):
        prepare(number + 2)
        start, used = time.perf_counter(), time.process_time()
        gzip.compress(collector.text(NOW).encode(), QUICKLY)
        processor.append(time.process_time() - used)
        clock.append(time.perf_counter() - start)
    median = sorted(clock)[_TIMES // 2]
    return (
        f"{median:.2f} s, at most {max(clock):.2f} s; of the processor at least"
        f" {min(processor):.2f} s"
    )


if __name__ == "__main__":
    main()
