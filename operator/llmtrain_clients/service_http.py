"""Requests to a Service through the API server's proxy."""

from dataclasses import dataclass, field
from http import HTTPStatus

from llmtrain_clients.answers import Limit
from llmtrain_clients.http import SHORT, Reply, UnreachableError
from llmtrain_clients.kubernetes_api import KubernetesApi
from llmtrain_clients.kubernetes_errors import KubernetesError

_NO_BACKEND = {HTTPStatus.BAD_GATEWAY, HTTPStatus.SERVICE_UNAVAILABLE}


@dataclass(frozen=True)
class ServiceHttp:
    """A client of a Service behind the API server's proxy."""

    api: KubernetesApi
    path: str
    headers: dict[str, str] = field(repr=False)

    async def request(
        self, method: str, path: str, body: object = None, *, limit: Limit = SHORT
    ) -> Reply:
        """Send a request; any status is an answer.

        Raises:
            UnreachableError: there was no usable answer, or the API server could not reach the
                Service.
        """
        raw = {"Content-Type": "application/octet-stream"} if isinstance(body, bytes) else {}
        try:
            reply = await self.api.request(
                method, self.path + path, body, headers=self.headers | raw, limit=limit
            )
        except KubernetesError as error:
            raise UnreachableError(str(error)) from error
        if reply.status in _NO_BACKEND:
            raise UnreachableError(f"the Service has no backend ({reply.status})")
        return reply
