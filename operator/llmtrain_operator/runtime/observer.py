"""Takes the snapshot of a reconcile from the caches, Ray and the driver."""

from dataclasses import replace
from datetime import datetime
from decimal import Decimal
from typing import TypedDict

from llmtrain_api.job import LLMTrainingJob
from llmtrain_api.status import Attempt, JobStatus
from llmtrain_clients.http import UnreachableError
from llmtrain_clients.kubernetes_api import KubernetesApi
from llmtrain_clients.kubernetes_errors import KubernetesError
from llmtrain_clients.progress import read_progress
from llmtrain_clients.ray_jobs import RayJobsError
from llmtrain_lifecycle.cluster_view import cluster_views
from llmtrain_lifecycle.lost_pods import find_lost_pods
from llmtrain_lifecycle.money.paid_pods import PaidPod
from llmtrain_lifecycle.observed import ObjectMeta
from llmtrain_lifecycle.snapshot import Cluster, ClusterState, Obstacle, Snapshot
from llmtrain_lifecycle.status_text import read_time
from llmtrain_operator.informer.caches import Caches
from llmtrain_operator.runtime.executor import Executor, Target
from llmtrain_operator.runtime.pod_pricer import PodPricer
from llmtrain_operator.runtime.preflight import Preflight
from llmtrain_operator.runtime.queue import ask_queue
from llmtrain_operator.runtime.transient_errors import TransientErrors

_WITHOUT_HEAD = {ClusterState.BROKEN, ClusterState.LEAVING, ClusterState.SUSPENDED}


class _Money(TypedDict):
    created: datetime
    paid: tuple[PaidPod, ...] | None
    expected_usd_per_hour: Decimal | None


class Observer:
    """Takes snapshots.

    Args:
        api: client of Kubernetes.
        caches: caches of the watched objects.
        executor: connects to Ray.
        pricer: finds the prices of Pods.
        preflight: checks what the cluster lacks.

    Attributes:
        transient_errors: recent errors by job.
    """

    def __init__(
        self,
        api: KubernetesApi,
        caches: Caches,
        executor: Executor,
        pricer: PodPricer,
        preflight: Preflight,
    ) -> None:
        self._api, self._caches = api, caches
        self._executor, self._pricer = executor, pricer
        self._preflight, self.transient_errors = preflight, TransientErrors()

    async def snapshot(self, target: Target, meta: ObjectMeta, now: datetime) -> Snapshot:
        """Take the snapshot of a job; it also says what cannot be read.

        Args:
            target: the job.
            meta: metadata of its resource.
            now: current time.
        """
        if meta.deletion_timestamp is None:
            seen = await self._compute(target)
        else:  # the end of its attempt does not matter any more
            pods = self._caches.pods(target.key)
            clusters = cluster_views(target.clusters, pods, target.uid)
            seen = Snapshot(clusters, held_by=meta.finalizers)
        return replace(seen, **await self._money(target, meta, now))

    async def _compute(self, target: Target) -> Snapshot:
        """The part of the snapshot about the job's Ray clusters and running attempt."""
        pods = self._caches.pods(target.key)
        clusters = await self._with_words_of_queue(
            target, cluster_views(target.clusters, pods, target.uid)
        )
        attempt = live_attempt(target.job, target.status)
        given = target.status.cluster
        gone_pods = self._caches.gone_pods(target.key)
        lost = find_lost_pods(pods, gone_pods, given.name) if given else ()
        view = next((c for c in clusters if given and c.name == given.name), None)
        seen = Snapshot(clusters, lost_pods=lost, refusal=self.transient_errors.refusal(target.key))
        if attempt is None or view is None or view.state in _WITHOUT_HEAD:
            self.transient_errors.answered(target.key)
            # Only needed when a cluster is about to be created.
            obstacle = await self._obstacle(target) if view is None and given else None
            return replace(seen, obstacle=obstacle)
        return await self._ask_ray(target, attempt, seen)

    async def _with_words_of_queue(
        self, target: Target, clusters: tuple[Cluster, ...]
    ) -> tuple[Cluster, ...]:
        """The clusters; a queued one says in the queue's words why it waits."""
        found = []
        for view in clusters:
            cluster = target.cluster(view.name)
            if view.state is ClusterState.SUSPENDED and cluster is not None:
                found.append(replace(view, message=await ask_queue(self._api, cluster.metadata)))
            else:
                found.append(view)
        return tuple(found)

    async def _obstacle(self, target: Target) -> Obstacle | None:
        """Obstacle to the cluster's creation.

        The job's policies apply also while the API server does not answer.
        """
        try:
            return await self._preflight.obstacle(target.key.namespace, target.job)
        except KubernetesError as error:
            return Obstacle("ApiServerFailing", str(error))

    async def _ask_ray(self, target: Target, attempt: Attempt, seen: Snapshot) -> Snapshot:
        """Add the answers of Ray and the driver about the running attempt to a snapshot."""
        driver = None
        try:
            head = await self._executor.current_head(target)
            assert head is not None, "its RayCluster is there"
            driver = head.driver
            submission = await head.jobs.get(attempt.submission_id)
        except (RayJobsError, UnreachableError, KubernetesError) as error:
            unreachable = self.transient_errors.unreachable(target.key, error)
            progress = await read_progress(driver) if driver else None
            return replace(seen, unreachable=unreachable, progress=progress)
        self.transient_errors.answered(target.key)
        if submission is None:
            self.transient_errors.unknown(target.key, attempt.submission_id)
            return replace(seen, refusal=self.transient_errors.refusal(target.key))
        progress = None if submission.state.ended else await read_progress(head.driver)
        return replace(seen, submissions=(submission,), progress=progress)

    async def _money(self, target: Target, meta: ObjectMeta, now: datetime) -> _Money:
        """The part of the snapshot about the job's costs."""
        created, cost = read_time(meta.creation_timestamp), target.status.cost
        return _Money(
            created=created,
            paid=await self._pricer.paid(
                self._caches.pods(target.key),
                self._caches.paid_pods(target.key),
                created=created,
                ledger=cost.ledger if cost else None,
                now=now,
            ),
            expected_usd_per_hour=self._pricer.expected_usd_per_hour(target.job),
        )


def live_attempt(job: LLMTrainingJob, status: JobStatus) -> Attempt | None:
    """The job's attempt that may live; None if there is none."""
    attempts = (status.stage(name).run.live_attempt for name in job.spec.stages)
    return None if status.phase.terminal else next(filter(None, attempts), None)
