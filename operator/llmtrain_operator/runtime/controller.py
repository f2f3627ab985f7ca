"""Runs the operator's passes: workers that empty the queue, and a resync that fills it."""

import asyncio
import logging
import time
from contextlib import AbstractContextManager, AsyncExitStack, nullcontext
from pathlib import Path

import aiohttp

from llmtrain_api import names
from llmtrain_clients import paths
from llmtrain_clients.http import UnreachableError, http_session
from llmtrain_clients.kubernetes_api import KubernetesApi, KubernetesError, as_expected
from llmtrain_clients.ray_connector import RayConnector, Waiting
from llmtrain_clients.ray_jobs import RayJobsError
from llmtrain_operator.informer.caches import Caches
from llmtrain_operator.informer.work_queue import Key, WorkQueue
from llmtrain_operator.metrics.jobs_collector import JobsCollector
from llmtrain_operator.metrics.own import OwnGauges, OwnMetrics
from llmtrain_operator.metrics.server import served_metrics
from llmtrain_operator.runtime.event_recorder import EventRecorder
from llmtrain_operator.runtime.executor import Executor
from llmtrain_operator.runtime.nodes import Nodes
from llmtrain_operator.runtime.observer import Observer
from llmtrain_operator.runtime.pod_pricer import PodPricer, PriceList
from llmtrain_operator.runtime.reconciler import Reconciler, UnreadableStatusError
from llmtrain_operator.runtime.scope import Preflight, Scope, read_scope
from llmtrain_operator.runtime.settings import OperatorSettings
from llmtrain_operator.runtime.slots import Slots

log = logging.getLogger(__name__)
_SCOPE_SECONDS = 2.0
"""Between two looks at what can be watched, where something is missing."""
_FIRST_LOOK_SECONDS = 1.0
"""Between two tries to look at everything, before the first one that succeeds."""


class Controller:
    """All that runs beside the watches.

    Args:
        settings: of the operator.
        scope: what it watches; None for the whole cluster.

    Attributes:
        outdated: is set when something else can be watched than the scope says.
    """

    def __init__(self, settings: OperatorSettings, scope: Scope | None = None) -> None:
        self._settings, self._scope = settings, scope
        self.outdated = asyncio.Event()
        self.caches = Caches()
        self.queue = WorkQueue()
        self.metrics = OwnMetrics()
        self._stack = AsyncExitStack()
        self._tasks: list[asyncio.Task[None]] = []
        self._slots = Slots(settings.num_workers)
        self._passes: set[asyncio.Task[None]] = set()
        self._last_resync = time.monotonic()
        self._knows_all = asyncio.Event()
        self._refused = False

    async def start(self) -> None:
        """Start the workers and the resync."""
        api = await self._stack.enter_async_context(KubernetesApi(self.metrics.count_request))
        if self._settings.metrics_port is not None:
            self._stack.enter_context(self._served_metrics(self._settings.metrics_port))
        session = None
        if self._settings.reach == "service":
            session = await self._stack.enter_async_context(http_session())
        events = EventRecorder(api)
        path = self._settings.prices_file
        price_list = PriceList(Path(path) if path else None)
        reconciler = build_reconciler(
            self._settings, api, session, self.caches, events, price_list, self._slots.lent
        )
        for endless in (
            self._run_reconciles(reconciler),
            events.run(),
            price_list.keep_up(),
            self._keep_in_sync(api),
        ):
            self._tasks.append(asyncio.create_task(endless))
        if self._scope is not None:
            self._tasks.append(asyncio.create_task(self._follow_scope(api, self._scope)))

    async def stop(self) -> None:
        """End them; a pass that is cut off is made again by whoever comes next."""
        tasks = [*self._tasks, *self._passes]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await self._stack.aclose()

    @property
    def watches_all_namespaces(self) -> bool:
        """Whether it is to see the whole cluster."""
        return self._scope is None

    @property
    def watches_anything(self) -> bool:
        """Whether there is a namespace that it may read."""
        return self._scope is None or bool(self._scope.namespaces)

    @property
    def seconds_since_resync(self) -> float:
        """Age of the last look at everything: it grows when the operator is stuck."""
        return time.monotonic() - self._last_resync

    @property
    def alive(self) -> bool:
        """Whether passes are made; the liveness probe asks."""
        stuck = self.seconds_since_resync > 3 * self._settings.resync_seconds
        return not stuck and not any(task.done() for task in self._tasks)

    def _served_metrics(self, port: int) -> AbstractContextManager[None]:
        return served_metrics(
            port,
            self.metrics,
            JobsCollector(self.caches),
            OwnGauges(
                self.metrics,
                waits=lambda: self.queue.waits,
                resync_age=lambda: self.seconds_since_resync,
                namespaces=self._namespaces_watched,
            ),
        )

    @property
    def _namespaces_watched(self) -> dict[str, bool]:
        """Whether each namespace of the settings is watched."""
        watched = self._scope.namespaces if self._scope else ()
        return {name: name in watched for name in self._settings.namespaces}

    async def _run_reconciles(self, reconciler: Reconciler) -> None:
        # The watches tell of jobs, clusters and Pods in any order. A pass that knows a job, and
        # not yet its Pods, would take its attempt for lost.
        await self._knows_all.wait()
        while True:
            await self._slots.take()
            task = asyncio.create_task(self._pass(reconciler, await self.queue.take()))
            self._passes.add(task)
            task.add_done_callback(self._passes.discard)

    async def _pass(self, reconciler: Reconciler, key: Key) -> None:
        """Look at a job until there is nothing more to do for it at once."""
        try:
            with self.metrics.passing():
                while (seconds := await reconciler.reconcile(key)) == 0:
                    pass  # what it has just written leads to the next pass
        except (KubernetesError, RayJobsError, UnreachableError) as error:
            self.metrics.count_error(error)
            log.info("%s/%s: %s; trying again", *key, error)
            self.queue.retry(key)
        except UnreadableStatusError as error:
            self.metrics.count_error(error)
            log.warning("%s/%s: %s; trying again", *key, error)
            self.queue.retry(key)
        except Exception as error:  # a fault of ours in one job must not stop the others
            self.metrics.count_error(error)
            log.exception("%s/%s: the pass failed; trying again", *key)
            self.queue.retry(key)
        else:
            self.queue.forget_failures(key)
            if seconds is not None:
                self.queue.add_after(key, seconds)
        finally:
            self.queue.done(key)
            self._slots.give_back()

    async def _keep_in_sync(self, api: KubernetesApi) -> None:
        """Look at everything now and then, for what the watches may have missed."""
        while True:
            try:
                for namespace in (None,) if self._scope is None else self._scope.namespaces:
                    await self._resync(api, namespace)
            except KubernetesError as error:
                log.warning("the resync failed: %s", error)
                self._refused = error.is_refusal
            else:
                self._last_resync = time.monotonic()
                self._knows_all.set()
            known = self._knows_all.is_set()
            await asyncio.sleep(self._settings.resync_seconds if known else _FIRST_LOOK_SECONDS)

    async def _follow_scope(self, api: KubernetesApi, scope: Scope) -> None:
        """Notice what comes: a namespace, the right to read it, a kind; and what is gone."""
        while not self.outdated.is_set():
            await asyncio.sleep(_SCOPE_SECONDS)
            if scope.is_whole and not self._refused:
                continue
            known = () if self._refused else scope.namespaces
            try:
                now = await read_scope(api, self._settings.namespaces, known=known)
            except KubernetesError as error:
                log.warning("what can be watched is not known: %s", error)
                continue
            self._refused = False
            if now != scope:
                self.outdated.set()
        await asyncio.Event().wait()  # until kopf has stopped

    async def _resync(self, api: KubernetesApi, namespace: str | None) -> None:
        caches, label = self.caches, names.JOB_LABEL
        jobs = await api.list(paths.jobs(namespace))
        clusters = await api.list(paths.ray_clusters(namespace), label=label)
        pods = await api.list(paths.pods(namespace), label=label)
        with as_expected("lists of jobs, RayClusters and Pods"):
            changed = (
                caches.sync_jobs(namespace, jobs)
                | caches.sync_clusters(namespace, clusters)
                | caches.sync_pods(namespace, pods)
            )
        for key in changed:
            self.queue.add(key)


def build_reconciler(
    settings: OperatorSettings,
    api: KubernetesApi,
    session: aiohttp.ClientSession | None,
    caches: Caches,
    events: EventRecorder,
    price_list: PriceList,
    waiting: Waiting = nullcontext,
) -> Reconciler:
    """The reconciler of an operator.

    Args:
        settings: of the operator.
        api: of Kubernetes.
        session: for requests to Ray within the cluster; None to go through the API server.
        caches: what the watches tell.
        events: tells of turns in a job's life.
        price_list: as it is now.
        waiting: a context for the time in which a head is waited for.
    """
    executor = Executor(api, RayConnector(api, session, waiting), caches, settings.pods)
    paying = PodPricer(price_list, Nodes(api), settings.gpu_resource)
    observer = Observer(caches, executor, paying, Preflight(api, settings.ray_version))
    return Reconciler(
        api,
        caches,
        executor,
        observer,
        events,
        settings.state_machine,
        poll_seconds=settings.poll_seconds,
    )
