"""The RayClusters that have to be looked at, each once, one after the other."""

import asyncio
import logging

from support.kuberay.api import RefusedError
from support.kuberay.reconcile import Reconciler

log = logging.getLogger(__name__)

_RETRY_SECONDS = 0.5


class Queue:
    """Names of RayClusters, with their namespaces."""

    def __init__(self) -> None:
        self._keys: dict[tuple[str, str], None] = {}
        self._filled = asyncio.Event()

    def add(self, namespace: str, name: str) -> None:
        """Have a RayCluster looked at."""
        self._keys[namespace, name] = None
        self._filled.set()

    async def work(self, reconciler: Reconciler) -> None:
        """Make a step for one after the other, for ever."""
        while True:
            await self._filled.wait()
            key = next(iter(self._keys))
            del self._keys[key]
            if not self._keys:
                self._filled.clear()
            try:
                again = await reconciler.step(*key)
            except RefusedError as error:  # most often a conflict with another writer
                log.info("%s/%s: %s", *key, error)
                again = True
            except Exception:  # a fault with one must not stop the others
                log.exception("%s/%s", *key)
                again = True
            if again:
                asyncio.get_running_loop().call_later(_RETRY_SECONDS, self.add, *key)
