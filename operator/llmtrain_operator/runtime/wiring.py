"""Puts the parts of a pass together."""

from contextlib import nullcontext

import aiohttp

from llmtrain_clients.kubernetes_api import KubernetesApi
from llmtrain_clients.ray_connector import RayConnector, Waiting
from llmtrain_operator.informer.caches import Caches
from llmtrain_operator.runtime.event_recorder import EventRecorder
from llmtrain_operator.runtime.executor import Executor
from llmtrain_operator.runtime.nodes import Nodes
from llmtrain_operator.runtime.observer import Observer
from llmtrain_operator.runtime.pod_pricer import PodPricer
from llmtrain_operator.runtime.preflight import Preflight
from llmtrain_operator.runtime.price_list import PriceList
from llmtrain_operator.runtime.reconciler import Reconciler
from llmtrain_operator.runtime.settings import OperatorSettings


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
