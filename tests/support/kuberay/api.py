"""The requests that the stand-in makes of the API server, as JSON."""

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from http import HTTPStatus
from pathlib import Path

from kubernetes.aio import client, config
from support.kuberay.names import CLUSTER_LABEL, Json

_HEADERS = {"Accept": "application/json", "Content-Type": "application/json"}


class RefusedError(Exception):
    """The API server refused; its words are the message.

    Attributes:
        status: HTTP status.
    """

    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.status = status


class Api:
    """The API server.

    Args:
        connection: to it.
    """

    def __init__(self, connection: client.ApiClient) -> None:
        self._connection = connection

    async def request(self, method: str, path: str, body: Json | None = None, **query: str) -> Json:
        """One request.

        Raises:
            RefusedError: for any status of 400 and above.
        """
        request = await self._connection.param_serialize(
            method,
            path,
            query_params=list(query.items()),
            header_params=_HEADERS,
            body=body,
            auth_settings=["BearerToken"],
        )
        response = await self._connection.call_api(*request)
        answer: Json = json.loads(await response.read())
        if response.status >= HTTPStatus.BAD_REQUEST:
            raise RefusedError(response.status, answer["message"])
        return answer

    async def get(self, path: str) -> Json | None:
        """An object; None where there is none."""
        try:
            return await self.request("GET", path)
        except RefusedError as error:
            if error.status == HTTPStatus.NOT_FOUND:
                return None
            raise

    async def list(self, path: str, cluster: str) -> list[Json]:
        """The objects of a collection that are a RayCluster's."""
        answer = await self.request("GET", path, labelSelector=f"{CLUSTER_LABEL}={cluster}")
        items: list[Json] = answer["items"]
        return items


@asynccontextmanager
async def connected(kubeconfig: Path) -> AsyncIterator[Api]:
    """Connect to the API server of a kubeconfig."""
    configuration = client.Configuration()
    await config.load_kube_config(str(kubeconfig), client_configuration=configuration)
    async with client.ApiClient(configuration) as connection:
        yield Api(connection)
