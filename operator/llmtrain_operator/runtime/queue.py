"""Asks Kueue why a Ray cluster waits in its queue."""

import logging

from llmtrain_api import names
from llmtrain_clients import paths
from llmtrain_clients.kubernetes_api import KubernetesApi
from llmtrain_clients.kubernetes_errors import KubernetesError, as_expected
from llmtrain_lifecycle.observed import ObjectMeta
from llmtrain_lifecycle.queue_words import QUEUED, ObservedWorkload, why_queued
from llmtrain_operator.logs import of_job

log = logging.getLogger(__name__)


async def ask_queue(api: KubernetesApi, cluster: ObjectMeta) -> str:
    """Message for people about a RayCluster that Kueue has not admitted.

    It holds Kueue's own words where they can be read; nothing is decided by them.

    Args:
        api: client of Kubernetes.
        cluster: metadata of the RayCluster.
    """
    label = f"{names.KUEUE_JOB_LABEL}={cluster.uid}"
    try:
        listed = await api.list(paths.workloads(cluster.namespace), label=label)
        with as_expected("Kueue's Workload"):
            workloads = tuple(map(ObservedWorkload.model_validate, listed.items))
    except KubernetesError as error:
        log.info("%s", error, extra=of_job(cluster.namespace, cluster.labels[names.JOB_LABEL]))
        return QUEUED
    return why_queued(workloads)
