"""Reconciles a job: takes a snapshot, decides, acts, writes the status."""

import logging
from dataclasses import replace
from datetime import UTC, datetime

from pydantic import ValidationError

from llmtrain_api import names
from llmtrain_api.faults import describe_faults
from llmtrain_api.job import LLMTrainingJob
from llmtrain_api.status import JobStatus
from llmtrain_api.upgrade.spec import TrainerTooOldError
from llmtrain_clients import paths
from llmtrain_clients.http import UnreachableError
from llmtrain_clients.kubernetes_api import KubernetesApi
from llmtrain_clients.kubernetes_errors import KubernetesError, as_expected
from llmtrain_clients.ray_jobs import RayJobsError
from llmtrain_lifecycle.builders.events import events, not_understood
from llmtrain_lifecycle.conditions import INVALID_SPEC, conditions_of
from llmtrain_lifecycle.decide import decide
from llmtrain_lifecycle.decision import Action, Submit
from llmtrain_lifecycle.settings import Settings
from llmtrain_operator.informer.caches import Caches, ObservedJob
from llmtrain_operator.informer.parsing import parse_observed, status_of
from llmtrain_operator.informer.work_queue import Key
from llmtrain_operator.logs import of_job
from llmtrain_operator.runtime.event_recorder import EventRecorder
from llmtrain_operator.runtime.executor import Executor, NameTakenError, Target
from llmtrain_operator.runtime.observer import Observer, live_attempt

log = logging.getLogger(__name__)
_ORPHANING = "orphan"
"""Finalizer of an object that is deleted without its children."""
_REFUSED_POLLS = 4
"""Delay before a refused action is retried."""
_OF_ACTIONS = (
    KubernetesError,
    RayJobsError,
    UnreachableError,
    NameTakenError,
    TrainerTooOldError,
)
"""Errors of actions, which a job's status may show."""


class UnreadableStatusError(Exception):
    """The stored status of a job has values that are unknown to this operator."""


class Reconciler:
    """Reconciles jobs.

    Args:
        api: client of Kubernetes.
        caches: caches of the watched objects.
        executor: executes actions.
        observer: takes snapshots.
        events: recorder of a job's transitions.
        settings: settings of the state machine.
        poll_seconds: interval between reconciles of a running stage.
    """

    def __init__(
        self,
        api: KubernetesApi,
        caches: Caches,
        executor: Executor,
        observer: Observer,
        events: EventRecorder,
        settings: Settings,
        *,
        poll_seconds: float,
    ) -> None:
        self._api, self._caches, self._executor = api, caches, executor
        self._observer, self._transient_errors = observer, observer.transient_errors
        self._events, self._settings, self._poll_seconds = events, settings, poll_seconds

    async def reconcile(self, key: Key) -> float | None:
        """Reconcile a job once.

        Returns:
            Seconds until the next reconcile; None waits for an event.

        Raises:
            UnreadableStatusError: the stored status cannot be read.
            KubernetesError: the API server refused, or cannot be reached.
            RayJobsError: Ray refused an action, or cannot be reached.
            UnreachableError: the head cannot be reached for an action.
        """
        seen = self._caches.jobs.get(key)
        if seen is None or _ORPHANING in seen.metadata.finalizers:
            self._transient_errors.forget(key)
            return None  # Kubernetes deletes its children too, unless somebody wants to keep them
        now = datetime.now(UTC)
        status = self._status_of(seen, now)
        try:
            parsed = parse_observed(seen)
        except ValidationError as error:
            await self._write(seen, status, invalid(seen, status, error, now), now)
            return None
        job = parsed.job
        target = Target(key, seen.metadata.uid, job, status, self._caches.clusters(key))
        snapshot = await self._observer.snapshot(target, seen.metadata, now)
        snapshot = replace(snapshot, unknown_fields=parsed.unknown_fields)
        decision = decide(
            job,
            seen.metadata.uid,
            seen.metadata.generation,
            status,
            snapshot,
            now,
            self._settings,
        )
        all_done = await self._act(target, decision.actions)
        if all_done and snapshot.unreachable is None:  # else nothing was retried
            self._transient_errors.accepted(key)
        await self._write(seen, status, decision.status, now)
        requeue = (
            decision.requeue_after_seconds if all_done else _REFUSED_POLLS * self._poll_seconds
        )
        if live_attempt(job, decision.status) is None and snapshot.obstacle is None:
            return requeue
        # No event reports changes of Ray, or of what the cluster lacks.
        return self._poll_seconds if requeue is None else min(self._poll_seconds, requeue)

    def _status_of(self, seen: ObservedJob, now: datetime) -> JobStatus:
        """The stored status, without what a newer operator has added."""
        try:
            return status_of(seen)
        except ValidationError as error:
            faults = "; ".join(describe_faults(error, JobStatus))
            asked = "was it written by another version of the operator?"
            message = f"its status cannot be read; {asked} {faults}"
            meta = seen.metadata
            told = f"{message}; the job is left alone"
            self._events.record(
                not_understood(
                    meta.namespace, meta.name, meta.uid, meta.resource_version, told, now
                )
            )
            raise UnreadableStatusError(message) from error

    async def _act(self, target: Target, actions: tuple[Action, ...]) -> bool:
        """Execute actions; False if one was refused, which the next reconcile reports and retries.

        Any other failure is raised, so that the status does not claim what was not done.
        """
        for action in actions:
            try:
                await self._executor.carry_out(target, action)
            except _OF_ACTIONS as error:
                if not self._transient_errors.refused(target.key, action, error):
                    raise
                log.info("%s", error, extra=of_job(*target.key))
                return False
            if isinstance(action, Submit):
                self._transient_errors.submitted(target.key, action.submission_id)
        return True

    async def _write(
        self, seen: ObservedJob, before: JobStatus, after: JobStatus, now: datetime
    ) -> None:
        """Write a changed status unless the job has changed since, then record the events."""
        if after == before and seen.has_status:
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
        written = await self._api.replace_status(path, body)
        with as_expected("the job"):
            key = self._caches.put_job(written)
        if after.cost is not None:
            self._caches.settle(key, after.cost.ledger.ended)
        for event in events(meta.namespace, meta.name, meta.uid, before, after, now):
            self._events.record(event)


def invalid(
    seen: ObservedJob, status: JobStatus, error: ValidationError, now: datetime
) -> JobStatus:
    """The status of a job that the API server accepted but the models do not."""
    generation = seen.metadata.generation
    conditions = conditions_of(
        status.phase,
        INVALID_SPEC,
        "; ".join(describe_faults(error, LLMTrainingJob)),
        before=status.conditions,
        generation=generation,
        now=now,
    )
    return status.replace(conditions=conditions, observed_generation=generation)
