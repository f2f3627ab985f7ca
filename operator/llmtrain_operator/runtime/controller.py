"""Runs the reconciles: workers that empty the queue, and a resync that fills it."""

import asyncio
import logging
import time
from contextlib import AbstractContextManager, AsyncExitStack, nullcontext, suppress
from pathlib import Path

import aiohttp

from llmtrain_api import names
from llmtrain_clients import paths
from llmtrain_clients.http import UnreachableError, http_session
from llmtrain_clients.kubernetes_api import KubernetesApi
from llmtrain_clients.kubernetes_errors import KubernetesError, as_expected
from llmtrain_clients.ray_connector import RayConnector, Waiting
from llmtrain_clients.ray_jobs import RayJobsError
from llmtrain_operator.informer.caches import Caches
from llmtrain_operator.informer.work_queue import Key, WorkQueue
from llmtrain_operator.leadership.elector import Elector, elector_of
from llmtrain_operator.logs import of_job
from llmtrain_operator.metrics.jobs_collector import JobsCollector
from llmtrain_operator.metrics.own import OwnGauges, OwnMetrics
from llmtrain_operator.metrics.server import served_metrics
from llmtrain_operator.runtime.event_recorder import EventRecorder
from llmtrain_operator.runtime.executor import Executor
from llmtrain_operator.runtime.nodes import Nodes
from llmtrain_operator.runtime.observer import Observer
from llmtrain_operator.runtime.pod_pricer import PodPricer, PriceList
from llmtrain_operator.runtime.preflight import Preflight
from llmtrain_operator.runtime.reconciler import Reconciler, UnreadableStatusError
from llmtrain_operator.runtime.scope import Scope, read_scope
from llmtrain_operator.runtime.settings import OperatorSettings
from llmtrain_operator.runtime.slots import Slots

log = logging.getLogger(__name__)
_SCOPE_SECONDS = 2.0
"""Interval between checks of what can be watched, if something is missing."""
_FIRST_LOOK_SECONDS = 1.0
"""Interval between tries of the first resync."""


class Controller:
    """Everything that runs beside the watches.

    Args:
        settings: settings of the operator.
        scope: what the operator watches; None for the whole cluster.

    Attributes:
        outdated: set when the scope no longer matches what can be watched, or when this operator
            no longer leads.
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
        self._reconciles: set[asyncio.Task[None]] = set()
        self._last_resync = time.monotonic()
        self._knows_all, self._look_now = asyncio.Event(), asyncio.Event()
        self._refused = False
        self._elector: Elector | None = None

    async def start(self) -> None:
        """Start the workers and the resync."""
        if self._settings.leader_election is not None:
            own = await self._stack.enter_async_context(KubernetesApi(self.metrics.count_request))
            self._elector = elector_of(self._settings.leader_election, own)
        api = await self._stack.enter_async_context(
            KubernetesApi(self.metrics.count_request, may_write=lambda: self.leads)
        )
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
        if self._elector is not None:
            self._tasks.append(asyncio.create_task(self._take_part(self._elector)))

    async def stop(self) -> None:
        """Stop them; the next process repeats an interrupted reconcile."""
        tasks = [*self._tasks, *self._reconciles]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        if self._elector is not None:
            await self._elector.give_back()
        await self._stack.aclose()

    @property
    def leads(self) -> bool:
        """Whether this operator may act: it leads, or is the only one."""
        return self._elector is None or self._elector.leads

    @property
    def watches_all_namespaces(self) -> bool:
        """Whether the operator watches the whole cluster."""
        return self._scope is None

    @property
    def watches_anything(self) -> bool:
        """Whether there is a namespace that the operator may read."""
        return self._scope is None or bool(self._scope.namespaces)

    @property
    def seconds_since_resync(self) -> float:
        """Age of the last resync: it grows when the operator is stuck."""
        return time.monotonic() - self._last_resync

    @property
    def alive(self) -> bool:
        """Whether jobs are reconciled, for the liveness probe."""
        stuck = self.seconds_since_resync > 3 * self._settings.resync_seconds
        return not stuck and not any(task.done() for task in self._tasks)

    def _served_metrics(self, port: int) -> AbstractContextManager[None]:
        return served_metrics(
            port,
            self.metrics,
            JobsCollector(self.caches, lambda: self.leads),
            OwnGauges(
                self.metrics,
                waits=lambda: self.queue.waits if self.leads else [],
                resync_age=lambda: self.seconds_since_resync,
                namespaces=self._namespaces_watched,
                leads=lambda: self.leads,
            ),
        )

    @property
    def _namespaces_watched(self) -> dict[str, bool]:
        """The namespaces of the settings, and whether each is watched."""
        watched = self._scope.namespaces if self._scope else ()
        return {name: name in watched for name in self._settings.namespaces}

    async def _run_reconciles(self, reconciler: Reconciler) -> None:
        # Events of jobs, clusters and Pods come in any order. A reconcile that knows a job but not
        # yet its Pods would take the attempt for lost.
        if self._elector is not None:
            await self._elector.elected.wait()
            # The last writes of another leader may not have come by the watches yet.
            self._knows_all.clear()
            self._look_now.set()
        await self._knows_all.wait()
        while True:
            await self._slots.take()
            task = asyncio.create_task(self._reconcile(reconciler, await self.queue.take()))
            self._reconciles.add(task)
            task.add_done_callback(self._reconciles.discard)

    async def _take_part(self, elector: Elector) -> None:
        """Take part in the election until leadership is lost; nothing is reconciled after that."""
        await elector.run()
        for task in self._reconciles:
            task.cancel()
        self.outdated.set()
        await asyncio.Event().wait()  # until kopf stops

    async def _reconcile(self, reconciler: Reconciler, key: Key) -> None:
        """Reconcile a job until nothing is left to do for it at once."""
        try:
            with self.metrics.reconciling():
                while (seconds := await reconciler.reconcile(key)) == 0:
                    pass  # its own write leads to the next reconcile
        except (KubernetesError, RayJobsError, UnreachableError) as error:
            self.metrics.count_error(error)
            log.info("%s; trying again", error, extra=of_job(*key))
            self.queue.retry(key)
        except UnreadableStatusError as error:
            self.metrics.count_error(error)
            log.warning("%s; trying again", error, extra=of_job(*key))
            self.queue.retry(key)
        except Exception as error:  # a bug in one job's reconcile must not stop the others
            self.metrics.count_error(error)
            log.exception("the reconcile failed; trying again", extra=of_job(*key))
            self.queue.retry(key)
        else:
            self.queue.forget_failures(key)
            if seconds is not None:
                self.queue.add_after(key, seconds)
        finally:
            self.queue.done(key)
            self._slots.give_back()

    async def _keep_in_sync(self, api: KubernetesApi) -> None:
        """List everything at intervals, for events that the watches have missed."""
        while True:
            try:
                for namespace in (None,) if self._scope is None else self._scope.namespaces:
                    await self._resync(api, namespace)
            except KubernetesError as error:
                log.warning("the resync failed: %s", error)
                self._refused = error.is_refusal
            else:
                self._last_resync = time.monotonic()
                if not self._look_now.is_set():
                    self._knows_all.set()
            known = self._knows_all.is_set()
            pause = self._settings.resync_seconds if known else _FIRST_LOOK_SECONDS
            with suppress(TimeoutError):
                async with asyncio.timeout(pause):
                    await self._look_now.wait()
            self._look_now.clear()

    async def _follow_scope(self, api: KubernetesApi, scope: Scope) -> None:
        """Notice changes of what can be watched: namespaces, kinds, and the right to read them."""
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
        await asyncio.Event().wait()  # until kopf stops

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
    """Build the reconciler of an operator.

    Args:
        settings: settings of the operator.
        api: client of Kubernetes.
        session: session for requests to Ray within the cluster; None to use the API server.
        caches: caches of the watched objects.
        events: recorder of a job's transitions.
        price_list: the price list.
        waiting: context manager that is open during each wait for a head.
    """
    executor = Executor(api, RayConnector(api, session, waiting), caches, settings.pods)
    pricer = PodPricer(price_list, Nodes(api), settings.gpu_resource)
    observer = Observer(api, caches, executor, pricer, Preflight(api, settings.pods))
    return Reconciler(
        api,
        caches,
        executor,
        observer,
        events,
        settings.state_machine,
        poll_seconds=settings.poll_seconds,
    )
