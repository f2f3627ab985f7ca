"""The nodes that Pods were given: what a node costs does not change while it is there."""

from collections.abc import Iterable
from http import HTTPStatus

from llmtrain_operator.core.money.nodes import ObservedNode
from llmtrain_operator.io import paths
from llmtrain_operator.io.kubernetes_api import KubernetesApi, KubernetesError

_REMEMBERED = 10_000


class Nodes:
    """Nodes by name, each asked for once.

    Args:
        api: of Kubernetes.
    """

    def __init__(self, api: KubernetesApi) -> None:
        self._api = api
        self._known: dict[str, ObservedNode] = {}

    async def named(self, node_names: Iterable[str]) -> dict[str, ObservedNode]:
        """Those of them that are there, and that we may see.

        Raises:
            KubernetesError: the API server cannot be reached.
        """
        found = {}
        for name in set(node_names):
            node = self._known.get(name) or await self._ask(name)
            if node is not None:
                found[name] = node
        return found

    async def _ask(self, name: str) -> ObservedNode | None:
        try:
            body = await self._api.get(paths.node(name))
        except KubernetesError as error:
            if error.status == HTTPStatus.FORBIDDEN:
                return None  # a Role of single namespaces: prices by resource are left
            raise
        if body is None:
            return None
        if len(self._known) >= _REMEMBERED:
            self._known.clear()
        self._known[name] = ObservedNode.model_validate(body)
        return self._known[name]
