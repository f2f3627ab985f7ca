"""Connects to the heads of Ray clusters."""

import base64
import re
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager, nullcontext
from dataclasses import dataclass

import aiohttp

from llmtrain_api.names import PROGRESS_PORT, head_service_name
from llmtrain_clients import paths
from llmtrain_clients.answers import Limit
from llmtrain_clients.http import (
    SHORT,
    DirectHttp,
    Http,
    Reply,
    UnreachableError,
    ray_headers,
)
from llmtrain_clients.kubernetes_api import Json, KubernetesApi
from llmtrain_clients.ray_jobs import RayJobs
from llmtrain_clients.service_http import ServiceHttp

_DASHBOARD_PORT = 8265
_REMEMBERED = 10_000
Waiting = Callable[[], AbstractAsyncContextManager[None]]
_TOKEN = re.compile(r"[!-~]{1,4096}", re.ASCII)


@dataclass(frozen=True)
class Head:
    """The head of one Ray cluster."""

    jobs: RayJobs
    driver: Http
    """Client of the driver's progress server."""


@dataclass(frozen=True)
class _WaitedFor:
    """A client that gives its reconcile slot to others while it waits."""

    http: Http
    waiting: Waiting

    async def request(
        self, method: str, path: str, body: object = None, *, limit: Limit = SHORT
    ) -> Reply:
        """Send a request; see `Http`."""
        async with self.waiting():
            return await self.http.request(method, path, body, limit=limit)


class RayConnector:
    """Connects to heads: by the cluster's own DNS, or through the API server.

    Args:
        api: client of Kubernetes.
        session: session for requests within the cluster; None to use the API server.
        waiting: context manager that is open during each wait for a head.
    """

    def __init__(
        self,
        api: KubernetesApi,
        session: aiohttp.ClientSession | None,
        waiting: Waiting = nullcontext,
    ) -> None:
        self._api, self._session, self._waiting = api, session, waiting
        self._tokens: dict[str, str] = {}

    async def head(self, namespace: str, cluster: str, uid: str) -> Head:
        """The head of a Ray cluster.

        Args:
            namespace: namespace of the RayCluster.
            cluster: name of the RayCluster.
            uid: its UID; another cluster with this name has another token.

        Raises:
            UnreachableError: its token does not exist yet, or a foreign Secret has its name.
            KubernetesError: the API server refused, or cannot be reached.
        """
        headers = ray_headers(await self._token(namespace, cluster, uid))
        service = head_service_name(cluster)
        dashboard: Http
        driver: Http
        if self._session is None:
            dashboard = self._behind(namespace, service, "dashboard", headers)
            driver = self._behind(namespace, service, "progress", headers)
        else:
            host = f"http://{service}.{namespace}.svc"
            dashboard = DirectHttp(self._session, f"{host}:{_DASHBOARD_PORT}", headers)
            driver = DirectHttp(self._session, f"{host}:{PROGRESS_PORT}", headers)
        return Head(
            RayJobs(_WaitedFor(dashboard, self._waiting)), _WaitedFor(driver, self._waiting)
        )

    def _behind(
        self, namespace: str, service: str, port: str, headers: dict[str, str]
    ) -> ServiceHttp:
        """Client of a Service's port, through the API server."""
        return ServiceHttp(self._api, paths.service_proxy(namespace, service, port), headers)

    def forget(self, uid: str) -> None:
        """Forget a Ray cluster that is gone."""
        self._tokens.pop(uid, None)

    async def _token(self, namespace: str, cluster: str, uid: str) -> str:
        if uid not in self._tokens:
            secret = await self._api.get(paths.secret(namespace, cluster))
            if secret is None:
                raise UnreachableError(f"the token of {cluster} is not there yet")
            if len(self._tokens) >= _REMEMBERED:
                self._tokens.clear()  # tokens of clusters that were deleted with their job
            self._tokens[uid] = _token_of(secret, cluster, uid)
        return self._tokens[uid]


def _token_of(secret: Json, cluster: str, uid: str) -> str:
    """The token in a Secret; a Secret with this name may be anybody's.

    Raises:
        UnreachableError: it holds no token of this cluster.
    """
    try:
        owners = {owner["uid"] for owner in secret["metadata"]["ownerReferences"]}
    except (LookupError, TypeError):
        owners = set()
    if uid not in owners:  # of an earlier cluster, about to be deleted, or anybody's
        raise UnreachableError(
            f"the Secret {cluster} was not made by KubeRay for this Ray cluster; delete it"
        )
    try:
        token = base64.b64decode(secret["data"]["auth_token"], validate=True).decode()
    except (LookupError, TypeError, ValueError):
        token = ""
    if not _TOKEN.fullmatch(token):
        raise UnreachableError(f"the Secret {cluster} holds no token of Ray's (auth_token)")
    return token
