"""A job under the real reconciler, whose API server and Ray heads answer as a test chooses.

All requests go over HTTP to one local server. Unless a test wants otherwise, the API server keeps
what it is sent, and the head's job runs for ever without a sign of work.
"""

import asyncio
import base64
import json
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Self

import aiohttp
import pytest
import yaml
from aiohttp.abc import AbstractResolver, ResolveResult
from support.answering_server import Answer, Request, answering_server

from llmtrain_api import names
from llmtrain_api.stages import Stage
from llmtrain_api.status import (
    Attempt,
    ClusterStatus,
    JobStatus,
    Phase,
    StageRun,
    StageState,
    StageStatus,
)
from llmtrain_clients.http import http_session
from llmtrain_clients.kubernetes_api import KubernetesApi
from llmtrain_lifecycle.status_text import write_time
from llmtrain_operator.informer.caches import Caches
from llmtrain_operator.informer.work_queue import Key
from llmtrain_operator.runtime import reconciler as reconciler_module
from llmtrain_operator.runtime import transient_errors as transient_errors_module
from llmtrain_operator.runtime.controller import build_reconciler
from llmtrain_operator.runtime.event_recorder import EventRecorder
from llmtrain_operator.runtime.pod_pricer import PriceList
from llmtrain_operator.runtime.reconciler import Reconciler
from llmtrain_operator.runtime.settings import OperatorSettings

START = datetime(2026, 1, 31, 12, 0, 0, tzinfo=UTC)
CREDENTIAL = "the-token-of-ray"
Json = dict[str, Any]
Chosen = Callable[[Request], Answer | None]
"""What is answered to a request; None for an honest answer."""


def nothing_chosen(_request: Request) -> Answer | None:
    """Honest answers alone."""
    return None


class Clock:
    """The operator's clock, in place of the system's while the context is open."""

    def __init__(self) -> None:
        self.time = START

    def now(self, _zone: object) -> datetime:
        """As `datetime.now`."""
        return self.time

    def monotonic(self) -> float:
        """As `time.monotonic`."""
        return self.time.timestamp()

    def wait(self, seconds: float) -> None:
        """Let time go by."""
        self.time += timedelta(seconds=seconds)

    @asynccontextmanager
    async def running(self) -> AsyncIterator[Self]:
        """The clock of the reconciles."""
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(reconciler_module, "datetime", self)
            patch.setattr(transient_errors_module, "time", self)
            yield self


@dataclass
class AnsweredJobs:
    """Jobs of one stage, `data`, each with an attempt at work on its Ray cluster.

    Attributes:
        caches: caches of the watched objects.
        chosen: what the test wants answered.
        seen: all requests, newest last.
    """

    caches: Caches = field(default_factory=Caches)
    chosen: Chosen = nothing_chosen
    seen: list[Request] = field(default_factory=list)
    _bodies: dict[str, Json] = field(default_factory=dict)
    _version: int = 100
    _heard: asyncio.Event = field(default_factory=asyncio.Event)

    def begin(self, name: str, policy: Json, state: StageState, *, deleted: bool = False) -> Key:
        """A job whose attempt has just been recorded."""
        status = JobStatus(
            phase=Phase.RUNNING,
            start_time=write_time(START),
            active_time=write_time(START),
            stages=(
                StageStatus(
                    name=Stage.DATA,
                    runs=(
                        StageRun(
                            state=state,
                            attempt=Attempt(
                                number=0,
                                submission_id=f"{name}-data-0",
                                start_time=write_time(START),
                            ),
                            reason="Suspending" if state is StageState.STOPPING else None,
                        ),
                    ),
                ),
            ),
            cluster=ClusterStatus(name=f"{name}-data-0", group=Stage.DATA.group, generation=0),
        )
        meta = self._meta(name) | ({"deletionTimestamp": write_time(START)} if deleted else {})
        body = {
            "metadata": meta,
            "spec": {"data": {"sources": [{"pythonDocs": {}}]}, "policy": policy},
            "status": status.model_dump(mode="json", exclude_none=True),
        }
        self._bodies[name] = body
        self._put_cluster(f"{name}-data-0", name)
        return self.caches.put_job(body)

    def change(self, key: Key, **parts: Json) -> None:
        """Replace the `spec` or the `status` of a job."""
        body = self._bodies[key.name]
        meta = body["metadata"] | {"resourceVersion": self._next_version()}
        self._bodies[key.name] = {**body, "metadata": meta, **parts}
        self.caches.put_job(self._bodies[key.name])

    def status(self, key: Key) -> JobStatus:
        """As it was written last."""
        return JobStatus.model_validate(self.caches.jobs[key].status)

    def holds_compute(self, key: Key) -> bool:
        """Whether a Ray cluster of the job is there."""
        return bool(self.caches.clusters(key))

    async def until(self, holds: Callable[[], bool]) -> None:
        """Wait for something that follows from a request."""
        async with asyncio.timeout(60):
            while not holds():
                self._heard.clear()
                await self._heard.wait()

    def answer(self, request: Request) -> Answer:
        """The test's answer, or an honest one."""
        self.seen.append(request)
        self._heard.set()
        chosen = self.chosen(request)
        if chosen is not None:
            return chosen
        if is_of_head(request):
            return Answer.of({"status": "RUNNING"}) if request.method == "GET" else Answer.of({})
        return self._api_server(request)

    def _api_server(self, request: Request) -> Answer:
        path = request.target.partition("?")[0]
        name = path.rpartition("/")[2]
        match request.method, path:
            case "GET", _ if "/secrets/" in path:
                token = base64.b64encode(CREDENTIAL.encode()).decode()
                meta = {"ownerReferences": [{"uid": f"uid-{name}"}]}
                return Answer.of({"metadata": meta, "data": {"auth_token": token}})
            case "GET", _ if "/nodes/" in path:
                return Answer.of({"metadata": {"name": name, "labels": {}}})
            case "PUT", _:
                return self._written(request.json)
            case "POST", _ if path.endswith("/rayclusters"):
                owner = request.json["metadata"]["ownerReferences"][0]["uid"]
                made = request.json["metadata"]["name"]
                return Answer.of(self._put_cluster(made, owner.removeprefix("uid-")))
            case "DELETE", _ if "/rayclusters/" in path:
                self._drop_cluster(name)
        return Answer.of({})

    def _written(self, sent: Json) -> Answer:
        body = self._bodies[sent["metadata"]["name"]]
        if sent["metadata"]["resourceVersion"] != body["metadata"]["resourceVersion"]:
            return Answer.of({"reason": "Conflict", "message": "it has changed"}, 409)
        meta = body["metadata"] | {"resourceVersion": self._next_version()}
        body = {**body, "metadata": meta, "status": sent["status"]}
        self._bodies[sent["metadata"]["name"]] = body
        # The watch sees the write, also if the answer is lost.
        self.caches.put_job(body)
        return Answer.of(body)

    def _put_cluster(self, name: str, job: str) -> Json:
        owner = {"uid": f"uid-{job}", "controller": True}
        labels = {names.JOB_LABEL: job, names.STAGE_GROUP_LABEL: "cpus", "ray.io/cluster": name}
        meta = {**self._meta(name), "labels": labels, "ownerReferences": [owner]}
        cluster = {"metadata": meta, "status": {"desiredWorkerReplicas": 1}}
        self.caches.put_cluster(cluster)
        conditions = [
            {"type": kind, "status": "True", "lastTransitionTime": write_time(START)}
            for kind in ("Ready", "PodScheduled")
        ]
        for kind in ("head", "worker"):
            meta = self._meta(f"{name}-{kind}") | {"labels": labels | {"ray.io/node-type": kind}}
            spec = {"nodeName": "n", "containers": [{"resources": {"requests": {"cpu": "1"}}}]}
            self.caches.put_pod(
                {"metadata": meta, "spec": spec, "status": {"conditions": conditions}}
            )
        return cluster

    def _drop_cluster(self, name: str) -> None:
        for key in list(self.caches.jobs):
            for cluster in self.caches.clusters(key):
                if cluster.metadata.name == name:
                    for pod in self.caches.pods(key):
                        self.caches.drop_pod(pod.model_dump(by_alias=True))
                    self.caches.drop_cluster(cluster.model_dump(by_alias=True))

    def _meta(self, name: str) -> Json:
        version = self._next_version()
        return {
            "name": name,
            "namespace": "default",
            "uid": f"uid-{name}",
            "resourceVersion": version,
            "generation": 1,
            "creationTimestamp": write_time(START),
        }

    def _next_version(self) -> str:
        self._version += 1
        return str(self._version)


def is_of_head(request: Request) -> bool:
    """Whether a request is to a Ray head or its driver, not to the API server."""
    return request.host.endswith("-head-svc")


class _ToThisServer(AbstractResolver):
    """Every name of a Service is the local server."""

    def __init__(self, port: int) -> None:
        self._port = port

    async def resolve(self, host: str, port: int = 0, family: Any = 0) -> list[ResolveResult]:
        assert host.endswith(".svc"), f"{host}:{port} is none of the operator's business"
        return [
            ResolveResult(
                hostname=host, host="127.0.0.1", port=self._port, family=family, proto=0, flags=0
            )
        ]

    async def close(self) -> None:
        """Nothing is open."""


@asynccontextmanager
async def reconciling(
    jobs: AnsweredJobs, folder: Path, prices: Json | None = None, **wiring: Any
) -> AsyncIterator[Reconciler]:
    """The operator's reconciler, whose every request the jobs answer.

    Args:
        jobs: jobs of the cluster.
        folder: for files.
        prices: prices of the operator.
        wiring: more for `build_reconciler`.
    """
    async with answering_server(jobs.answer) as port, _api(folder, port) as api:
        connector = aiohttp.TCPConnector(resolver=_ToThisServer(port), limit=0)
        async with http_session(connector) as session:
            file = folder / "prices.yaml"
            file.write_text(json.dumps(prices or {}))
            settings = OperatorSettings(image="trainer:1", grace_seconds=60, poll_seconds=1)
            events = EventRecorder(api)
            recording = asyncio.create_task(events.run())
            yield build_reconciler(
                settings, api, session, jobs.caches, events, PriceList(file), **wiring
            )
            recording.cancel()


@asynccontextmanager
async def _api(folder: Path, port: int) -> AsyncIterator[KubernetesApi]:
    cluster = {"name": "c", "cluster": {"server": f"http://127.0.0.1:{port}"}}
    context = {"name": "x", "context": {"cluster": "c", "user": "u"}}
    user = {"name": "u", "user": {"token": "of-the-api-server"}}
    kubeconfig = folder / "kubeconfig"
    kubeconfig.write_text(
        yaml.safe_dump(
            {
                "clusters": [cluster],
                "contexts": [context],
                "users": [user],
                "current-context": "x",
            }
        )
    )
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("KUBECONFIG", str(kubeconfig))
        patch.setattr(
            "kubernetes.aio.config.kube_config.KUBE_CONFIG_DEFAULT_LOCATION", str(kubeconfig)
        )
        async with KubernetesApi() as api:
            yield api
    await asyncio.sleep(0)
