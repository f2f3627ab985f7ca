"""A thousand jobs come and go: memory of the operator and time of a scrape.

    export LD_PRELOAD=libjemalloc.so.2 MALLOC_CONF=background_thread:true PYTHONMALLOC=malloc
    PYTHONPATH=tests python benchmarks/churn.py --jobs 1000

The first line is how the operator's image allocates memory (Debian: libjemalloc2). On a real API
server without nodes: each job gets its RayCluster, runs into its deadline, fails, and is deleted.
The first round warms caches and pools; what grows from then on is a leak.
scrape.py measures the scrape of running jobs.
"""

import argparse
import statistics
import tempfile
import time
import urllib.request
from pathlib import Path

import psutil
from scale import Cluster, Json, llmtrain_jobs, running_cluster, wait_until
from support.cluster.processes import LOOPBACK, free_port
from support.operator_process import running_operator

_ROUNDS, _SCRAPES = 3, 5
_DEADLINE_SECONDS = 30
_REST_SECONDS = 60
_JOBS = ("llmtrain.io", "v1alpha1", "llmtrainingjobs")


class Operator:
    """One that can be scraped."""

    def __init__(self, process: psutil.Process, port: int) -> None:
        self._process, self._url = process, f"http://{LOOPBACK}:{port}/metrics"

    @property
    def resident_mb(self) -> float:
        """Its memory."""
        return float(self._process.memory_info().rss / 1e6)

    def scrape(self) -> bytes:
        """What Prometheus reads."""
        with urllib.request.urlopen(self._url) as reply:  # noqa: S310 - our own server
            text: bytes = reply.read()
        return text

    def scrape_seconds(self) -> float:
        """What it takes."""
        start = time.monotonic()
        self.scrape()
        return time.monotonic() - start

    @property
    def num_job_series(self) -> int:
        """The series of jobs."""
        return sum(line.startswith(b"llmtrain_job_") for line in self.scrape().splitlines())


def main() -> None:
    """Let them come and go."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--jobs", type=int, default=1000)
    count = parser.parse_args().jobs
    folder, port = Path(tempfile.mkdtemp(prefix="churn-")), free_port()
    with (
        running_cluster(folder) as cluster,
        running_operator(cluster.kubeconfig, folder, metricsPort=port) as started,
    ):
        operator = Operator(psutil.Process(started.pid), port)
        first = short_lived(1)
        cluster.send(first)
        wait_until(lambda: first[0]["metadata"]["name"] in cluster.seen)  # it is at work
        cluster.clear()
        wait_until(lambda: operator.num_job_series == 0)
        print(f"before: RSS {operator.resident_mb:.0f} MB, no series of a job")
        for _ in range(_ROUNDS):
            print(round_of(cluster, operator, short_lived(count)))


def round_of(cluster: Cluster, operator: Operator, jobs: list[Json]) -> str:
    """Create, end and delete jobs; print what was measured."""
    cluster.send(jobs)
    wait_until(lambda: len(cluster.list(_JOBS)) == len(jobs) and all_failed(cluster))
    seconds = [operator.scrape_seconds() for _ in range(_SCRAPES)]
    page, full = operator.scrape(), operator.num_job_series
    live = operator.resident_mb
    cluster.clear()
    wait_until(lambda: operator.num_job_series == 0)
    gone = operator.resident_mb
    time.sleep(_REST_SECONDS)
    took, size = f"{statistics.median(seconds):.2f} s", len(page) / 1e6
    return (
        f"{len(jobs)} jobs: {full} series, a scrape takes {took}, at most {max(seconds):.2f} s "
        f"({size:.1f} MB), RSS {live:.0f} MB; deleted: no series, RSS {gone:.0f} MB, "
        f"and {operator.resident_mb:.0f} MB a minute later"
    )


def all_failed(cluster: Cluster) -> bool:
    """Whether every job has come to its end."""
    return all(job.get("status", {}).get("phase") == "Failed" for job in cluster.list(_JOBS))


def short_lived(count: int) -> list[Json]:
    """Jobs that end by themselves."""
    jobs = llmtrain_jobs(count - 1)
    for job in jobs:
        job["spec"]["policy"] = {"activeDeadlineSeconds": _DEADLINE_SECONDS}
    return jobs


if __name__ == "__main__":
    main()
