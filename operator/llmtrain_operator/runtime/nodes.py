"""Reads the nodes of jobs' Pods, one by one."""

import time
from collections.abc import Callable, Mapping
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from http import HTTPStatus

from llmtrain_clients import paths
from llmtrain_clients.kubernetes_api import KubernetesApi
from llmtrain_clients.kubernetes_errors import KubernetesError, as_expected
from llmtrain_lifecycle.money.nodes import ObservedNode

_REMEMBERED = 10_000
_BELIEVED_SECONDS = 600.0
"""Time until a node is read again: its name may go to another machine, or we may get permission."""


@dataclass(frozen=True)
class _Known:
    """A node as it was read."""

    node: ObservedNode
    time: float


class Nodes:
    """A cache of nodes by name.

    Args:
        api: client of Kubernetes.
        clock: a monotonic clock in seconds.
    """

    def __init__(self, api: KubernetesApi, clock: Callable[[], float] = time.monotonic) -> None:
        self._api, self._clock = api, clock
        self._known: dict[str, _Known] = {}
        self._refused_at: float | None = None

    async def named(self, wanted: Mapping[str, AbstractSet[str]]) -> dict[str, ObservedNode]:
        """Read nodes; those that do not exist or that we may not read are left out.

        Args:
            wanted: names of nodes, with the resources that Pods on them request. A new node has
                no devices until its device plugin's Pod runs.

        Raises:
            KubernetesError: the API server cannot be reached.
        """
        found = {}
        for name, resources in wanted.items():
            node = self._remembered(name, resources) or await self._ask(name)
            if node is not None:
                found[name] = node
        return found

    def _remembered(self, name: str, resources: AbstractSet[str]) -> ObservedNode | None:
        known = self._known.get(name)
        if known is None or self._is_old(known.time):
            return None
        allocatable = known.node.status.allocatable
        tells_all = all(allocatable.get(name, 0) > 0 for name in resources)
        return known.node if tells_all else None

    async def _ask(self, name: str) -> ObservedNode | None:
        if self._refused_at is not None and not self._is_old(self._refused_at):
            return None
        try:
            body = await self._api.get(paths.node(name))
        except KubernetesError as error:
            if error.status == HTTPStatus.FORBIDDEN:
                self._refused_at = self._clock()
                return None  # a Role of single namespaces: prices by resource remain
            raise
        if body is None:
            return None
        with as_expected("the node"):
            node = ObservedNode.model_validate(body)
        if len(self._known) >= _REMEMBERED:
            self._known.clear()
        self._known[name] = _Known(node, self._clock())
        return node

    def _is_old(self, time: float) -> bool:
        return self._clock() - time >= _BELIEVED_SECONDS
