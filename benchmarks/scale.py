"""The operator under many jobs, on a real API server without nodes.

    PYTHONPATH=tests python benchmarks/scale.py burst --jobs 500
    PYTHONPATH=tests python benchmarks/scale.py idle --jobs 5000

`burst` makes jobs as fast as the API server takes them, and prints how long each waited for its
RayCluster, beside a bare kopf handler (scale_bare.py) and KubeRay's RayJob controller. Each runs
alone, one after the other, twice.
`idle` measures the cost of ended jobs, and of a restart with all of them.
"""

import argparse
import itertools
import os
import statistics
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import kubernetes
import psutil
import yaml
from support.cluster.control_plane import running_control_plane
from support.cluster.jobs import full_pipeline_job
from support.kuberay import make_definitions, running_manager
from support.operator_process import running_operator
from support.repository import ROOT
from urllib3.exceptions import ProtocolError

from llmtrain_api.manifest import parse_job
from llmtrain_api.stages import StageGroup
from llmtrain_api.status import ClusterStatus
from llmtrain_lifecycle.builders.ray_cluster import ray_cluster
from llmtrain_lifecycle.settings import PodSettings

Json = dict[str, Any]
_NUMBERS = itertools.count()
_SENDERS = 8
_WITHIN_SECONDS = 300
_IDLE_SECONDS = 300  # as often everything is listed anew
_AT_REST_CPU_SECONDS = 0.2  # within one look
_LOOK_SECONDS = 2
_JOBS = ("llmtrain.io", "v1alpha1", "llmtrainingjobs")
_KINDS = {"LLMTrainingJob": _JOBS, "RayJob": ("ray.io", "v1", "rayjobs")}
_RAY_CLUSTERS = ("ray.io", "v1", "rayclusters")


@dataclass(frozen=True)
class Burst:
    """What a burst of jobs took.

    Attributes:
        waits: seconds from sending each job until its RayCluster was seen.
        cpu_seconds: CPU time of the operator.
        rss_bytes: resident memory of the operator, after it.
    """

    waits: list[float]
    cpu_seconds: float
    rss_bytes: int

    def row(self, name: str) -> str:
        """A line of the table."""
        median, late = (
            statistics.median(self.waits),
            sorted(self.waits)[int(len(self.waits) * 0.99)],
        )
        memory = self.rss_bytes / 1e6
        return f"{name:<24}{median:>8.2f}{late:>8.2f}{self.cpu_seconds:>8.1f}{memory:>8.0f}"


class Cluster:
    """An API server, through the client that users of Python know."""

    def __init__(self, kubeconfig: Path) -> None:
        self.kubeconfig = kubeconfig
        kubernetes.config.load_kube_config(str(kubeconfig))
        self.api = kubernetes.client.CustomObjectsApi()
        self.seen: dict[str, float] = {}  # owners of a RayCluster, and when it was first seen
        threading.Thread(target=self._watch_owners, daemon=True).start()

    def send(self, jobs: list[Json]) -> dict[str, float]:
        """Make jobs; returns when each was sent."""

        def make(job: Json) -> tuple[str, float]:
            sent = time.monotonic()
            self.api.create_namespaced_custom_object(*_of(job), body=job)
            return job["metadata"]["name"], sent

        with ThreadPoolExecutor(_SENDERS) as pool:
            return dict(pool.map(make, jobs))

    def list(self, kind: tuple[str, str, str]) -> list[Json]:
        """All objects of a kind."""
        group, version, plural = kind
        found: Any = self.api.list_cluster_custom_object(group, version, plural)
        items: list[Json] = found["items"]
        return items

    def clear(self) -> None:
        """Delete all jobs, and what was made for them: nothing here collects garbage."""
        kinds = [*_KINDS.values(), _RAY_CLUSTERS]
        for group, version, plural in kinds:
            self.api.delete_collection_namespaced_custom_object(group, version, "default", plural)
        wait_until(lambda: not any(self.list(kind) for kind in kinds))

    def _watch_owners(self) -> None:
        watch = kubernetes.watch.Watch()
        with suppress(ProtocolError):  # the API server has ended
            for event in watch.stream(self.api.list_cluster_custom_object, *_RAY_CLUSTERS):
                for owner in event["object"]["metadata"].get("ownerReferences", []):
                    self.seen.setdefault(owner["name"], time.monotonic())


def main() -> None:
    """Run what the command line asks for."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("what", choices=["burst", "idle"])
    parser.add_argument("--jobs", type=int, required=True)
    arguments = parser.parse_args()
    folder = Path(tempfile.mkdtemp(prefix="scale-"))
    with running_cluster(folder) as cluster:
        (bursts if arguments.what == "burst" else idle)(cluster, folder, arguments.jobs)


@contextmanager
def running_cluster(folder: Path) -> Iterator[Cluster]:
    """An API server that knows our jobs and KubeRay's, in a new folder."""
    with running_control_plane(folder, controllers=False) as plane:
        make_definitions(plane.client)
        crd = yaml.safe_load((ROOT / "crds" / "llmtrain.io_llmtrainingjobs.yaml").read_text())
        path = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions"
        plane.client.request("POST", path, crd)
        cluster = Cluster(plane.server.kubeconfig())
        wait_until(lambda: served(cluster))
        yield cluster


def bursts(cluster: Cluster, folder: Path, count: int) -> None:
    """Send the same burst to each operator, twice."""
    (folder / "ray_cluster.yaml").write_text(yaml.safe_dump(bare_ray_cluster()))
    print(f"{'':<24}{'p50 s':>8}{'p99 s':>8}{'CPU s':>8}{'RSS MB':>8}")
    for _ in range(2):
        with running_operator(cluster.kubeconfig, folder) as operator:
            for _ in range(2):  # what has ended is to leave nothing behind
                process = psutil.Process(operator.pid)
                print(burst(cluster, process, llmtrain_jobs(count)).row("llmtrain"))
        with running_bare(cluster.kubeconfig, folder) as process:
            print(burst(cluster, process, llmtrain_jobs(count)).row("bare kopf handler"))
        with running_manager(cluster.kubeconfig) as manager:
            process = psutil.Process(manager.handle.pid)
            print(burst(cluster, process, ray_jobs(count)).row("KubeRay RayJob"))


def burst(cluster: Cluster, operator: psutil.Process, jobs: list[Json]) -> Burst:
    """Send a burst, and wait until all have their RayCluster."""
    first, *others = jobs
    cluster.send([first])
    wait_until(lambda: first["metadata"]["name"] in cluster.seen)  # the operator is at work
    before = cpu_seconds(operator)
    sent = cluster.send(others)
    wait_until(lambda: sent.keys() <= cluster.seen.keys())
    used, waits = cpu_seconds(operator) - before, [cluster.seen[name] - sent[name] for name in sent]
    result = Burst(waits, used, operator.memory_info().rss)
    cluster.clear()
    return result


def idle(cluster: Cluster, folder: Path, count: int) -> None:
    """What suspended jobs cost, and a restart with all of them."""
    jobs = llmtrain_jobs(count)
    for job in jobs:
        job["spec"]["policy"] = {"suspend": True}
    with running_operator(cluster.kubeconfig, folder) as started:
        operator = psutil.Process(started.pid)
        cluster.send(jobs)
        wait_until(lambda: all(is_suspended(job) for job in cluster.list(_JOBS)))
        print(f"{count} jobs are suspended; RSS {operator.memory_info().rss / 1e6:.0f} MB")
        before = cpu_seconds(operator)
        time.sleep(_IDLE_SECONDS)
        share = (cpu_seconds(operator) - before) / _IDLE_SECONDS
        print(f"at rest they cost {share:.1%} of a core")
    versions = versions_of(cluster)
    with running_operator(cluster.kubeconfig, folder) as started:
        operator, start = psutil.Process(started.pid), time.monotonic()
        seconds = settled_after(operator) - start
        print(
            f"after a restart it is at rest in {seconds:.0f} s, "
            f"RSS {operator.memory_info().rss / 1e6:.0f} MB, "
            f"{sum(versions[n] != v for n, v in versions_of(cluster).items())} jobs written"
        )


def settled_after(operator: psutil.Process) -> float:
    """Time until a new process is idle: it uses less than a tenth of a core."""
    while True:
        moment, before = time.monotonic(), cpu_seconds(operator)
        time.sleep(_LOOK_SECONDS)
        if before > 1 and cpu_seconds(operator) - before < _AT_REST_CPU_SECONDS:
            return moment


def versions_of(cluster: Cluster) -> dict[str, str]:
    """The version of each job: a write changes it."""
    jobs = cluster.list(_JOBS)
    return {job["metadata"]["name"]: job["metadata"]["resourceVersion"] for job in jobs}


def llmtrain_jobs(count: int) -> list[Json]:
    """Jobs with all stages in one workspace, one more than are counted."""
    jobs = [full_pipeline_job(f"job-{next(_NUMBERS)}") for _ in range(count + 1)]
    for job in jobs:
        job["spec"]["workspace"] = {"persistentVolumeClaim": {"claimName": "shared"}}
    return jobs


def ray_jobs(count: int) -> list[Json]:
    """KubeRay's own jobs, on the same Ray clusters."""
    spec = {
        "entrypoint": "python -P -m llmtrain_trainer",
        "rayClusterSpec": bare_ray_cluster()["spec"],
    }
    head = {"apiVersion": "ray.io/v1", "kind": "RayJob", "spec": spec}
    return [{**head, "metadata": {"name": f"job-{next(_NUMBERS)}"}} for _ in range(count + 1)]


def bare_ray_cluster() -> Json:
    """The RayCluster that llmtrain makes for the first stage of such a job."""
    group = StageGroup.CPUS
    status = ClusterStatus(name="it", group=group, generation=0)
    settings = PodSettings(image="trainer", ray_version="2.60.0")
    body = ray_cluster(parse_job(full_pipeline_job("it")), "uid", status, settings)
    return {key: body[key] for key in ("apiVersion", "kind", "spec")}


@contextmanager
def running_bare(kubeconfig: Path, folder: Path) -> Iterator[psutil.Process]:
    """Run the bare handler."""
    handler = Path(__file__).with_name("scale_bare.py")
    command = [sys.executable, "-m", "kopf", "run", "--all-namespaces", str(handler)]
    with (folder / "bare.log").open("ab") as log:
        process = psutil.Popen(
            command,
            cwd=folder,
            env=os.environ | {"KUBECONFIG": str(kubeconfig)},
            stdout=log,
            stderr=log,
        )
    try:
        yield process
    finally:
        process.kill()
        process.wait()


def cpu_seconds(process: psutil.Process) -> float:
    """What a process has used, in user and kernel mode."""
    times = process.cpu_times()
    return float(times.user + times.system)


def is_suspended(job: Json) -> bool:
    """Whether the operator has seen it, and let it rest."""
    return bool(job.get("status", {}).get("phase") == "Suspended")


def served(cluster: Cluster) -> bool:
    """Whether the definitions that were just made are served."""
    try:
        cluster.list(_RAY_CLUSTERS)
        cluster.list(_JOBS)
    except kubernetes.client.ApiException:
        return False
    return True


def wait_until(condition: Callable[[], bool]) -> None:
    """Wait for a condition, for some minutes."""
    deadline = time.monotonic() + _WITHIN_SECONDS
    while not condition():
        if time.monotonic() > deadline:
            sys.exit("it takes too long")
        time.sleep(0.2)


def _of(job: Json) -> tuple[str, str, str, str]:
    group, version, plural = _KINDS[job["kind"]]
    return group, version, "default", plural


if __name__ == "__main__":
    main()
