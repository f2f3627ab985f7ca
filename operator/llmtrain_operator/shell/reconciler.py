"""One pass over one job: read the caches, look at Ray, decide, act, write the status."""

from dataclasses import replace
from datetime import UTC, datetime
from decimal import Decimal
from typing import TypedDict

from pydantic import ValidationError

from llmtrain_api import names
from llmtrain_api.faults import describe_faults
from llmtrain_api.spec.job import LLMTrainingJob
from llmtrain_api.stages import Stage
from llmtrain_api.status import JobStatus, Phase, StageState
from llmtrain_operator.core.builders.events import events
from llmtrain_operator.core.cluster_view import cluster_views
from llmtrain_operator.core.conditions import conditions_of
from llmtrain_operator.core.decide import decide
from llmtrain_operator.core.money.paid_pods import PaidPod
from llmtrain_operator.core.observed import ObjectMeta
from llmtrain_operator.core.pod_loss import pod_losses
from llmtrain_operator.core.settings import Settings
from llmtrain_operator.core.snapshot import ClusterState, Snapshot
from llmtrain_operator.core.timestamps import read_time
from llmtrain_operator.io import paths
from llmtrain_operator.io.kubernetes_api import KubernetesApi
from llmtrain_operator.io.progress import read_progress
from llmtrain_operator.shell.caches import Caches, ObservedJob
from llmtrain_operator.shell.event_recorder import EventRecorder
from llmtrain_operator.shell.executor import Executor, Target
from llmtrain_operator.shell.parsing import parse_observed
from llmtrain_operator.shell.paying import Paying
from llmtrain_operator.shell.preflight import Preflight
from llmtrain_operator.shell.work_queue import Key

_AT_WORK = {StageState.STARTING, StageState.RUNNING, StageState.STOPPING}


class _Money(TypedDict):
    created: datetime
    paid: tuple[PaidPod, ...] | None
    expected_usd_per_hour: Decimal | None


class Reconciler:
    """Makes passes.

    Args:
        api: of Kubernetes.
        caches: what the watches have told.
        executor: carries actions out.
        events: tells of turns in a job's life.
        paying: puts prices to Pods.
        settings: of the state machine.
        poll_seconds: between two looks at a stage that runs.
    """

    def __init__(
        self,
        api: KubernetesApi,
        caches: Caches,
        executor: Executor,
        events: EventRecorder,
        paying: Paying,
        settings: Settings,
        *,
        poll_seconds: float,
    ) -> None:
        self._preflight = Preflight(api)
        self._api, self._caches, self._executor, self._paying = api, caches, executor, paying
        self._events, self._settings, self._poll_seconds = events, settings, poll_seconds

    async def make_pass(self, key: Key) -> float | None:
        """Look at a job once, and do what is to be done for it.

        Returns:
            Seconds until it is to be looked at again; None waits for an event.

        Raises:
            KubernetesError: the API server refused, or cannot be reached.
            RayJobsError: Ray refused, or cannot be reached.
            UnreachableError: a head's token is not there yet.
        """
        seen = self._caches.jobs.get(key)
        if seen is None or seen.metadata.deletion_timestamp is not None:
            return None  # its children go with it: it owns them
        status = JobStatus.model_validate(seen.status)
        now = datetime.now(UTC)
        try:
            job = parse_observed(seen)
        except ValidationError as error:
            await self._write(seen, status, _invalid(seen, status, error, now), now)
            return None
        target = Target(key, seen.metadata.uid, job, status, self._caches.clusters(key))
        snapshot = replace(
            await self._snapshot(target), **await self._money(target, seen.metadata, now)
        )
        decision = decide(
            job,
            seen.metadata.uid,
            seen.metadata.generation,
            status,
            snapshot,
            now,
            self._settings,
        )
        for action in decision.actions:
            await self._executor.carry_out(target, action)
        await self._write(seen, status, decision.status, now)
        requeue = decision.requeue_after_seconds
        if _stage_at_work(job, decision.status) is None and snapshot.obstacle is None:
            return requeue
        # No event tells of what Ray does, or of what the cluster lacks.
        return self._poll_seconds if requeue is None else min(self._poll_seconds, requeue)

    async def _snapshot(self, target: Target) -> Snapshot:
        pods = self._caches.pods(target.key)
        clusters = cluster_views(target.clusters, pods, target.uid)
        stage = _stage_at_work(target.job, target.status)
        given = target.status.cluster
        gone_pods = self._caches.gone_pods(target.key)
        losses = pod_losses((*pods, *gone_pods), given.name) if given else ()
        view = next((c for c in clusters if given and c.name == given.name), None)
        broken = view is None or view.state in {ClusterState.BROKEN, ClusterState.LEAVING}
        head = None if stage is None or broken else await self._executor.current_head(target)
        if head is None or stage is None:
            # Asked only where a cluster is about to be made.
            obstacle = await self._preflight.obstacle() if view is None and given else None
            return Snapshot(clusters, obstacle, losses)
        submission_id = target.status.stage(stage).submission_id
        assert submission_id is not None, "it is at work"
        submission = await head.jobs.get(submission_id)
        if submission is None:
            return Snapshot(clusters, losses=losses)
        progress = None if submission.state.ended else await read_progress(head.driver)
        return Snapshot(clusters, losses=losses, submissions=(submission,), progress=progress)

    async def _money(self, target: Target, meta: ObjectMeta, now: datetime) -> _Money:
        """The part of a snapshot that a job's costs rest on."""
        created = read_time(meta.creation_timestamp)
        return _Money(
            created=created,
            paid=await self._paying.paid(
                self._caches.pods(target.key),
                self._caches.paid_pods(target.key),
                created=created,
                now=now,
            ),
            expected_usd_per_hour=self._paying.expected_usd_per_hour(target.job),
        )

    async def _write(
        self, seen: ObservedJob, before: JobStatus, after: JobStatus, now: datetime
    ) -> None:
        """Write the status, where it is new and nobody else has changed the job; then tell."""
        if after == before and seen.status:
            return
        meta = seen.metadata
        body = {
            "apiVersion": names.API_VERSION,
            "kind": names.KIND,
            "metadata": {
                "name": meta.name,
                "namespace": meta.namespace,
                "resourceVersion": meta.resource_version,
            },
            "status": after.model_dump(mode="json", exclude_none=True),
        }
        path = paths.jobs(meta.namespace, meta.name)
        self._caches.put_job(await self._api.replace_status(path, body))
        for told in events(meta.namespace, meta.name, meta.uid, before, after, now):
            self._events.tell(told)


def _invalid(
    seen: ObservedJob, status: JobStatus, error: ValidationError, now: datetime
) -> JobStatus:
    """The status of a job that the API server took and we cannot."""
    generation = seen.metadata.generation
    conditions = conditions_of(
        status.phase if status.phase.terminal else Phase.PENDING,
        "InvalidSpec",
        "; ".join(describe_faults(error, LLMTrainingJob)),
        before=status.conditions,
        generation=generation,
        now=now,
    )
    return status.model_copy(update={"conditions": conditions, "observed_generation": generation})


def _stage_at_work(job: LLMTrainingJob, status: JobStatus) -> Stage | None:
    """The stage whose attempt may live; None where none does."""
    at_work = (name for name in job.spec.stages if status.stage(name).state in _AT_WORK)
    return None if status.phase.terminal else next(at_work, None)
