"""An API server that a test plays: the client's requests are answered by a method."""

from dataclasses import dataclass

from llmtrain_clients.http import Reply
from llmtrain_clients.kubernetes_api import KubernetesApi


@dataclass(frozen=True)
class Asked:
    """A request of the client."""

    method: str
    path: str
    body: object
    query: dict[str, str] | None
    headers: dict[str, str] | None


class ScriptedServer(KubernetesApi):
    """A client of the Kubernetes API whose requests go to `answer`."""

    async def answer(self, asked: Asked) -> Reply:
        """Answer a request."""
        raise NotImplementedError

    async def request(
        self,
        method: str,
        path: str,
        body: object = None,
        *,
        query: dict[str, str] | None = None,
        headers: dict[str, str] | None = None,
    ) -> Reply:
        """Send a request to `answer`."""
        return await self.answer(Asked(method, path, body, query, headers))
