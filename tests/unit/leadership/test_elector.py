"""A candidate for the Lease, on an API server that can fail."""

import asyncio
from dataclasses import dataclass, field
from typing import Any

from llmtrain_clients.kubernetes_api import Json, KubernetesApi
from llmtrain_clients.kubernetes_errors import KubernetesError
from llmtrain_operator.leadership.elector import Elector


@dataclass
class _Server(KubernetesApi):
    """Holds one Lease; the clock is the test's."""

    lease: Json | None = None
    version: int = 0
    now: float = 100.0
    fails: bool = False

    async def get(self, path: str) -> Json | None:
        assert path == "/apis/coordination.k8s.io/v1/namespaces/system/leases/llmtrain"
        self._answer()
        return self.lease

    async def create(self, path: str, body: Json) -> bool:
        assert path.endswith("/leases")
        self._answer()
        if self.lease is not None:
            return False
        self._keep(body)
        return True

    async def replace(self, path: str, body: Json) -> Json:
        assert path.endswith("/leases/llmtrain")
        self._answer()
        if body["metadata"]["resourceVersion"] != str(self.version):
            raise KubernetesError(409, "Conflict", "it has changed")
        return self._keep(body)

    def _answer(self) -> None:
        if self.fails:
            raise KubernetesError(0, "Unreachable", "no route to it")

    def _keep(self, body: Json) -> Json:
        self.version += 1
        self.lease = {**body, "metadata": body["metadata"] | {"resourceVersion": str(self.version)}}
        return self.lease

    @property
    def holder(self) -> Any:
        assert self.lease is not None
        return self.lease["spec"].get("holderIdentity")


@dataclass
class _Candidates:
    """Two candidates for the Lease of 15 seconds."""

    server: _Server = field(default_factory=_Server)

    def __post_init__(self) -> None:
        self.one, self.two = (self._candidate(name) for name in ("one", "two"))

    def _candidate(self, name: str) -> Elector:
        clock = lambda: self.server.now  # noqa: E731 - one line says it
        return Elector(self.server, "system", "llmtrain", name, seconds=15, clock=clock)

    async def look(self, *, after: float = 0) -> tuple[bool, bool]:
        """Both look at the Lease after some seconds; returns who leads then."""
        self.server.now += after
        for candidate in (self.one, self.two):
            await candidate.look()
        return self.one.leads, self.two.leads


async def test_only_the_first_leads() -> None:
    candidates = _Candidates()
    assert await candidates.look() == (True, False)
    for _ in range(10):
        assert await candidates.look(after=9) == (True, False)
    assert candidates.server.holder == "one"


async def test_a_leader_without_an_api_server_stops_before_another_starts() -> None:
    candidates = _Candidates()
    await candidates.look()
    candidates.server.fails = True
    assert await candidates.look(after=9.9) == (True, False), "one failed renewal is no loss"
    assert await candidates.look(after=0.2) == (False, False)
    assert candidates.one.deposed.is_set()
    candidates.server.fails = False
    candidates.server.now += 4
    await candidates.two.look()
    assert not candidates.two.leads, "the Lease may still be believed in"
    candidates.server.now += 2
    await candidates.two.look()
    assert candidates.two.leads
    await candidates.one.look()
    assert (candidates.one.leads, candidates.server.holder) == (False, "two")


async def test_a_leader_that_was_paused_does_not_act() -> None:
    candidates = _Candidates()
    await candidates.look()
    candidates.server.now += 60  # nothing of its process runs
    assert not candidates.one.leads


async def test_a_leader_whose_lease_is_another_s_stops_at_once() -> None:
    candidates = _Candidates()
    await candidates.look()
    assert candidates.server.lease is not None
    candidates.server.lease["spec"]["holderIdentity"] = "two"
    assert await candidates.look(after=1) == (False, True)


async def test_a_lease_that_is_given_back_is_taken_at_the_next_look() -> None:
    candidates = _Candidates()
    await candidates.look()
    await candidates.one.give_back()
    assert not candidates.one.leads
    await candidates.two.look()
    assert candidates.two.leads


async def test_a_lease_is_given_back_by_its_holder_alone() -> None:
    candidates = _Candidates()
    await candidates.look()
    await candidates.two.give_back()
    assert candidates.server.holder == "one"


async def test_of_two_that_start_at_once_one_leads() -> None:
    candidates = _Candidates()
    await asyncio.gather(candidates.one.look(), candidates.two.look())
    assert [candidates.one.leads, candidates.two.leads].count(True) == 1
