"""kopf's part: it watches, and each handler only says which job is to be looked at.

By default kopf copies each object that it hears of several times, to see what has changed for
handlers that we do not have. With a burst of jobs that was a third of the operator's work.
"""

from collections.abc import Awaitable, Callable
from typing import Any

import kopf

from llmtrain_api import names
from llmtrain_operator.informer.work_queue import Key
from llmtrain_operator.runtime.controller import Controller


class NoDiffs(kopf.DiffBaseStorage):
    """Remembers no last state, and looks for no changes."""

    def build(self, **_: object) -> kopf.BodyEssence:
        """Nothing of an object is compared."""
        return kopf.BodyEssence()

    def fetch(self, **_: object) -> kopf.BodyEssence | None:
        """Nothing was kept."""
        return None

    def store(self, **_: object) -> None:
        """Keep nothing."""


class NoProgress(kopf.ProgressStorage):
    """No handler is retried, so none has progress to remember."""

    def fetch(self, **_: object) -> None:
        """Nothing was kept."""

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
Json = dict[str, Any]


def registry_of(controller: Controller) -> kopf.OperatorRegistry:
    """The handlers of a controller."""
    registry = kopf.OperatorRegistry()

    @kopf.on.startup(registry=registry)
    async def _start(settings: kopf.OperatorSettings, **_: object) -> None:
        settings.posting.enabled = False  # events about jobs are the reconciler's
        # A Role of single namespaces cannot let kopf see what comes; the controller looks itself.
        settings.scanning.disabled = not controller.watches_all_namespaces
        # Else the cluster's every Pod would be told of, to be thrown away here.
        settings.watching.label_selectors["v1", "pods"] = names.JOB_LABEL
        settings.watching.label_selectors["ray.io", "v1", "rayclusters"] = names.JOB_LABEL
        # kopf keeps an object, whole, for as long as it waits for more news of it; we need it once.
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

    @kopf.on.probe(registry=registry, id="passes")
    async def _probe(**_: object) -> str:
        if not controller.alive:
            raise kopf.PermanentError("no passes are made")
        return f"{len(controller.queue)} jobs are waiting"

    if controller.watches_anything:
        _watch(registry, controller)
    return registry


def _watch(registry: kopf.OperatorRegistry, controller: Controller) -> None:
    """Have kopf watch jobs, and their RayClusters and Pods."""
    caches = controller.caches

    def watch(
        kind: str, put: Callable[[Json], Key | None], drop: Callable[[Json], Key | None]
    ) -> Callable[..., Awaitable[None]]:
        # kopf would run it in a thread, were it not async.
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
