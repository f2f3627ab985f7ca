"""Takes a Lease, renews it, and gives it back.

The leader stops acting two thirds of the Lease's time after its last renewal was sent, which is
before any other operator may take the Lease.
"""

import asyncio
import logging
import socket
import time
import uuid
from collections.abc import Callable
from datetime import UTC, datetime

from llmtrain_clients import paths
from llmtrain_clients.kubernetes_api import Json, KubernetesApi
from llmtrain_clients.kubernetes_errors import KubernetesError, as_expected
from llmtrain_operator.leadership.lease import (
    API,
    LeaderElection,
    Lease,
    LeaseMeta,
    Sighting,
    given_back,
    may_take,
    taken,
)

log = logging.getLogger(__name__)
_ACTS_FOR = 2 / 3
"""Part of the Lease's time in which its holder acts without a renewal."""
_LOOKS = 8
"""Looks at the Lease in its time: a renewal may fail a few times."""


class Elector:
    """A candidate for one Lease.

    Args:
        api: client of Kubernetes.
        namespace: namespace of the Lease.
        name: name of the Lease.
        me: identity of this candidate, unique among all that ever were.
        seconds: seconds for which the Lease holds without a renewal.
        clock: a monotonic clock in seconds.

    Attributes:
        elected: set when this candidate has become the leader.
        deposed: set when it has been the leader, and is no more.
    """

    def __init__(
        self,
        api: KubernetesApi,
        namespace: str,
        name: str,
        me: str,
        *,
        seconds: int,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._api, self._me, self._seconds, self._clock = api, me, seconds, clock
        self._pause = seconds / _LOOKS
        self._meta = LeaseMeta(name=name, namespace=namespace)
        self._sighting = Sighting(None, clock())
        self._acts_until = float("-inf")
        self.elected, self.deposed = asyncio.Event(), asyncio.Event()

    @property
    def leads(self) -> bool:
        """Whether this candidate may act now."""
        return not self.deposed.is_set() and self._clock() < self._acts_until

    async def run(self) -> None:
        """Look at the Lease at intervals until it is lost."""
        while not self.deposed.is_set():
            await self.look()
            await asyncio.sleep(self._pause)

    async def look(self) -> None:
        """Take or renew the Lease, if that is allowed, and find out who leads."""
        sent = self._clock()
        try:
            async with asyncio.timeout(self._pause):
                holds = await self._claim()
        except (KubernetesError, TimeoutError) as error:
            log.warning("the Lease %s: %s", self._meta.name, error or "no answer in time")
            holds = sent < self._acts_until  # nobody else may have taken it yet
        else:
            if holds:
                self._acts_until = sent + self._seconds * _ACTS_FOR
        if holds and not self.elected.is_set():
            log.info("%s leads", self._me)
            self.elected.set()
        elif not holds and self.elected.is_set():
            log.warning("%s does not lead any more", self._me)
            self.deposed.set()

    async def _claim(self) -> bool:
        """Take or renew the Lease; returns whether this candidate holds it.

        Raises:
            KubernetesError: the API server refused, or cannot be reached; a conflict if the Lease
                has changed since it was read.
        """
        lease = await self._read()
        if lease is None:
            path = paths.leases(self._meta.namespace)
            return await self._api.create(path, self._body(self._mine(Lease(metadata=self._meta))))
        self._sighting = self._sighting.again(lease, self._clock())
        if not may_take(lease, self._me, self._sighting, self._clock()):
            return False
        await self._replace(self._mine(lease))
        return True

    async def give_back(self) -> None:
        """Leave the Lease to another candidate at once, as the last act of a leader."""
        if not self.leads:
            return
        self.deposed.set()
        try:
            lease = await self._read()
            if lease is not None and lease.spec.holder_identity == self._me:
                await self._replace(given_back(lease))
        except KubernetesError as error:
            log.warning("the Lease %s stays until it has run out: %s", self._meta.name, error)

    async def _read(self) -> Lease | None:
        body = await self._api.get(paths.leases(*self._meta.key))
        if body is None:
            return None
        with as_expected("a Lease"):
            return Lease.model_validate(body)

    def _mine(self, lease: Lease) -> Lease:
        return taken(lease, self._me, self._seconds, datetime.now(UTC))

    async def _replace(self, lease: Lease) -> None:
        await self._api.replace(paths.leases(*self._meta.key), self._body(lease))

    @staticmethod
    def _body(lease: Lease) -> Json:
        body = lease.model_dump(mode="json", by_alias=True, exclude_none=True)
        return {"apiVersion": API, "kind": "Lease", **body}


def elector_of(settings: LeaderElection, api: KubernetesApi) -> Elector:
    """The candidate of the operator's settings.

    Args:
        settings: settings of the Lease.
        api: client of Kubernetes that may write.
    """
    me = f"{socket.gethostname()}_{uuid.uuid4()}"  # a container that starts anew is another
    return Elector(api, settings.namespace, settings.name, me, seconds=settings.lease_seconds)
