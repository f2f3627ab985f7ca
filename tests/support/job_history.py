"""Runs a whole job on a cluster without nodes, and records every write."""

import json
import re
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from support.cluster.api_client import Json
from support.cluster.jobs import JOBS, full_pipeline_job
from support.kubernetes_proxy import WatchFault, unchanged
from support.nodeless_cluster import NodelessCluster
from support.operator_process import running_warm_operator

from llmtrain_api.stages import Stage
from llmtrain_api.status import JobStatus, StageState

_RAY_CLUSTERS = "/apis/ray.io/v1/namespaces/default/rayclusters"
_MERGE = "application/merge-patch+json"
_LOOK_SECONDS = 0.05
_LOOKS = 1200
# A resync soon finds what a watch has missed.
_SETTINGS = {"pollSeconds": 0.1, "resyncSeconds": 1}


@dataclass(frozen=True)
class JobHistory:
    """Record of a whole job.

    Attributes:
        crashes: number of operator crashes.
        made: objects made and deleted, by kind, and submissions.
        end: the status, without times and names of this one job.
    """

    crashes: int
    made: Counter[str]
    end: dict[str, Any]


def run_whole_job(
    cluster: NodelessCluster,
    name: str,
    folder: Path,
    *,
    crash: bool = False,
    watch_fault: Callable[[], WatchFault] = lambda: unchanged,
) -> JobHistory:
    """Run a job to its end: its tokenizer fails once, its pretraining is suspended once.

    Args:
        cluster: the cluster without nodes.
        name: name of the job.
        folder: folder for the operator's files.
        crash: whether the operator dies after each of its writes.
        watch_fault: makes the fault of each watch.
    """
    proxy, crashes = cluster.proxy, -1
    begin_whole_job(cluster, name)
    proxy.watch_fault = watch_fault
    while not is_over(cluster, name):
        crashes += 1
        with running_warm_operator(cluster.operator_kubeconfig, folder, **_SETTINGS) as operator:
            proxy.after_write = operator.kill if crash else lambda: None
            for _ in range(_LOOKS):
                operator.join(_LOOK_SECONDS)
                if not operator.is_alive() or is_over(cluster, name):
                    break
                suspend_once(cluster, name)
            else:
                raise AssertionError((folder / "operator.log").read_text()[-4000:])
            proxy.after_write = lambda: None
    return history_of(cluster, name, crashes)


def begin_whole_job(cluster: NodelessCluster, name: str) -> None:
    """Create the job; it has to be suspended once, by `suspend_once`."""
    cluster.ray.failing, cluster.ray.endless = ("tokenizer-0",), ("pretrain-0",)
    cluster.proxy.writes.clear()
    cluster.client.request("POST", JOBS, full_pipeline_job(name))


def history_of(cluster: NodelessCluster, name: str, crashes: int) -> JobHistory:
    """The record of a job that is over; Ray is honest again."""
    cluster.ray.failing = cluster.ray.endless = ()
    made = Counter(_kind_of(write, name) for write in cluster.proxy.writes)
    del made["rewritten"]
    return JobHistory(crashes, made, _end_of(cluster, name))


def suspend_once(cluster: NodelessCluster, name: str) -> None:
    """Suspend the first attempt of pretraining once it runs, and resume what is suspended."""
    job = cluster.client.request("GET", f"{JOBS}/{name}")
    status, policy = job.get("status", {}), job["spec"].get("policy", {})
    stage = JobStatus.model_validate(status).stage(Stage.PRETRAIN)
    runs = stage.state is StageState.RUNNING and stage.run.next_attempt == 1
    suspended = policy.get("suspend", False)
    if (runs and not suspended) or (suspended and status["phase"] == "Suspended"):
        patch: Json = {"spec": {"policy": {"suspend": not suspended}}}
        cluster.client.request("PATCH", f"{JOBS}/{name}", patch, content=_MERGE)


def is_over(cluster: NodelessCluster, name: str) -> bool:
    """Whether the job has succeeded and holds nothing any more."""
    status = cluster.client.request("GET", f"{JOBS}/{name}").get("status", {})
    selector = f"?labelSelector=llmtrain.io/job={name}"
    done = status.get("phase") == "Succeeded"
    return done and not cluster.client.request("GET", _RAY_CLUSTERS + selector)["items"]


def _kind_of(write: tuple[str, str], name: str) -> str:
    """What a write was, without the names of this one job.

    Statuses, events and what a submission needs may be written again.
    """
    method, path = write
    if path.endswith(("/status", "/events")) or "/api/packages/" in path:
        return "rewritten"
    if "/proxy/" in path:
        return f"{method} submission"
    return f"{method} {re.sub(f'/{name}-', '/', path)}"


def _end_of(cluster: NodelessCluster, name: str) -> dict[str, Any]:
    """The job's status at its end, without what differs from job to job."""
    body = cluster.client.request("GET", f"{JOBS}/{name}")
    text = json.dumps(body["status"])
    text = text.replace(f'"{name}-', '"job-').replace(body["metadata"]["uid"][:8], "uid")
    end: dict[str, Any] = _without_times(json.loads(text))
    seconds = end.pop("goodput")["seconds"]
    assert sum(seconds.values()) > 0
    return end


def _without_times(value: Any) -> Any:
    """JSON without its time fields."""
    if isinstance(value, dict):
        return {k: _without_times(v) for k, v in value.items() if not k.endswith("Time")}
    if isinstance(value, list):
        return [_without_times(each) for each in value]
    return value
