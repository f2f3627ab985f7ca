"""Reconciles a job from a test, with the operator's own code on a real API server."""

import asyncio
import multiprocessing
import os
from pathlib import Path

from llmtrain_clients import paths
from llmtrain_clients.kubernetes_api import KubernetesApi
from llmtrain_operator.informer.caches import Caches
from llmtrain_operator.informer.work_queue import Key
from llmtrain_operator.runtime.controller import build_reconciler
from llmtrain_operator.runtime.event_recorder import EventRecorder
from llmtrain_operator.runtime.pod_pricer import PriceList
from llmtrain_operator.runtime.settings import OperatorSettings


def reconcile_repeatedly(kubeconfig: Path, job: str, *, count: int) -> None:
    """Reconcile a job of the namespace `default` a number of times, in a separate process.

    Args:
        kubeconfig: kubeconfig of the cluster.
        job: the job's name.
        count: number of reconciles.
    """
    # Kubernetes' library reads it when it is imported.
    os.environ["KUBECONFIG"] = str(kubeconfig)
    context = multiprocessing.get_context("spawn")
    process = context.Process(target=_run_reconciles, args=(job, count))
    process.start()
    process.join()
    assert process.exitcode == 0, "a reconcile has failed"


def _run_reconciles(job: str, count: int) -> None:
    asyncio.run(_pass(Key("default", job), count))


async def _pass(key: Key, count: int) -> None:
    settings = OperatorSettings(image="trainer:1", reach="apiServer", poll_seconds=1)
    caches = Caches()
    async with KubernetesApi() as api:
        caches.sync_jobs(None, await api.list(paths.jobs(None)))
        caches.sync_clusters(None, await api.list(paths.ray_clusters(None)))
        caches.sync_pods(None, await api.list(paths.pods(None)))
        assert key in caches.jobs, "the job does not exist"
        reconciler = build_reconciler(
            settings, api, None, caches, EventRecorder(api), PriceList(None)
        )
        for _ in range(count):
            await reconciler.reconcile(key)
