"""kopf's handlers: each puts an object into a cache and its job into the queue.

By default kopf copies each object several times, to compute diffs for kinds of handlers that we do
not have. With a burst of jobs that was a third of the operator's work.
"""

from collections.abc import Awaitable, Callable
from typing import Any

import kopf

from llmtrain_api import names
from llmtrain_clients.kubernetes_api import Json
from llmtrain_operator.informer.work_queue import Key
from llmtrain_operator.runtime.controller import Controller


class NoDiffs(kopf.DiffBaseStorage):
    """Storage without a last state, so that kopf computes no diffs."""

    def build(self, **_: object) -> kopf.BodyEssence:
        """Return nothing to compare."""
        return kopf.BodyEssence()

    def fetch(self, **_: object) -> kopf.BodyEssence | None:
        """Return nothing: nothing was stored."""
        return None

    def store(self, **_: object) -> None:
        """Keep nothing."""


class NoProgress(kopf.ProgressStorage):
    """Storage without handlers' progress, since no handler is retried."""

    def fetch(self, **_: object) -> None:
        """Return nothing: nothing was stored."""

    def store(self, **_: object) -> None:
        """Keep nothing."""

    def purge(self, **_: object) -> None:
        """There is nothing to remove."""

    def touch(self, **_: object) -> None:
        """Keep nothing."""

    def clear(self, *, essence: kopf.BodyEssence) -> kopf.BodyEssence:
        """There is nothing to remove."""
        return essence


_DELETED = "DELETED"
_IDLE_SECONDS = 0.5


def registry_of(controller: Controller) -> kopf.OperatorRegistry:
    """The handlers of a controller."""
    registry = kopf.OperatorRegistry()

    @kopf.on.startup(registry=registry)
    async def _start(settings: kopf.OperatorSettings, **_: object) -> None:
        settings.posting.enabled = False  # the reconciler writes events about jobs
        # A Role of single namespaces does not let kopf watch namespaces and CRDs; the controller
        # does.
        settings.scanning.disabled = not controller.watches_all_namespaces
        # Without the label, events of all Pods of the cluster would come, to be dropped here.
        settings.watching.label_selectors["v1", "pods"] = names.JOB_LABEL
        settings.watching.label_selectors["ray.io", "v1", "rayclusters"] = names.JOB_LABEL
        # kopf keeps whole objects as long as it batches events; we need each event once.
        settings.queueing.idle_timeout = _IDLE_SECONDS
        settings.persistence.diffbase_storage = NoDiffs()
        settings.persistence.progress_storage = NoProgress()
        await controller.start()

    @kopf.on.login(registry=registry)
    def _login(**arguments: Any) -> kopf.ConnectionInfo | None:  # noqa: ANN401 - kopf passes them on
        in_a_pod = kopf.login_with_service_account(**arguments)
        return in_a_pod or kopf.login_via_client(**arguments)

    @kopf.on.cleanup(registry=registry)
    async def _stop(**_: object) -> None:
        await controller.stop()

    @kopf.on.probe(registry=registry, id="reconciles")
    async def _probe(**_: object) -> str:
        if not controller.alive:
            raise kopf.PermanentError("no jobs are reconciled")
        return f"{len(controller.queue)} jobs are waiting"

    if controller.watches_anything:
        _watch(registry, controller)
    return registry


def _watch(registry: kopf.OperatorRegistry, controller: Controller) -> None:
    """Register watches of jobs, and of their RayClusters and Pods."""
    caches = controller.caches

    def watch(
        kind: str, put: Callable[[Json], Key | None], drop: Callable[[Json], Key | None]
    ) -> Callable[..., Awaitable[None]]:
        # kopf runs handlers that are not async in threads.
        async def handle(type: str | None, body: kopf.Body, **_: object) -> None:  # noqa: A002 - kopf's name
            controller.metrics.count_event(kind)
            raw = dict(body)
            key = drop(raw) if type == _DELETED else put(raw)
            if key is not None:
                controller.queue.add(key)

        return handle

    kopf.on.event(names.GROUP, names.VERSION, names.PLURAL, registry=registry, id="jobs")(
        watch("jobs", caches.put_job, caches.drop_job)
    )
    labels = {names.JOB_LABEL: kopf.PRESENT}
    kopf.on.event("ray.io", "v1", "rayclusters", registry=registry, labels=labels, id="clusters")(
        watch("rayclusters", caches.put_cluster, caches.drop_cluster)
    )
    kopf.on.event("", "v1", "pods", registry=registry, labels=labels, id="pods")(
        watch("pods", caches.put_pod, caches.drop_pod)
    )
