"""Writes Kubernetes Events in the background: no reconcile waits for them."""

import asyncio
import logging

from llmtrain_clients import paths
from llmtrain_clients.kubernetes_api import KubernetesApi
from llmtrain_clients.kubernetes_errors import KubernetesError
from llmtrain_lifecycle.builders.labels import Json

log = logging.getLogger(__name__)
_LONGEST_QUEUE = 10_000


class EventRecorder:
    """Writes Events one by one.

    An Event is no record: one that the API server refuses is logged and dropped.

    Args:
        api: client of Kubernetes.
    """

    def __init__(self, api: KubernetesApi) -> None:
        self._api = api
        self._events: asyncio.Queue[Json] = asyncio.Queue(_LONGEST_QUEUE)

    def record(self, event: Json) -> None:
        """Queue an Event."""
        if self._events.full():
            log.warning("too many events; %s is left out", event["metadata"]["name"])
        else:
            self._events.put_nowait(event)

    async def run(self) -> None:
        """Write queued Events until cancelled."""
        while True:
            event = await self._events.get()
            try:
                await self._api.create(paths.events(event["metadata"]["namespace"]), event)
            except KubernetesError as error:
                log.warning("the event %s is left out: %s", event["metadata"]["name"], error)
