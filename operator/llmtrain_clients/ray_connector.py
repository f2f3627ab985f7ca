"""How the operator gets to the head of a Ray cluster."""

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
    """The driver's progress server."""


@dataclass(frozen=True)
class _WaitedFor:
    """A server that others do not wait for."""

    http: Http
    waiting: Waiting

    async def request(
        self, method: str, path: str, body: object = None, *, limit: Limit = SHORT
    ) -> Reply:
        """Send a request; see `Http`."""
        async with self.waiting():
            return await self.http.request(method, path, body, limit=limit)


class RayConnector:
    """Finds heads: by the cluster's own DNS, or through the API server.

    Args:
        api: of Kubernetes.
        session: for requests within the cluster; None to go through the API server.
        waiting: a context for the time in which a head is waited for.
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
            namespace: of the RayCluster.
            cluster: its name.
            uid: its uid; another one of the same name has another token.

        Raises:
            UnreachableError: its token is not there yet, or a Secret of others has its name.
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
        """A port of a Service, by way of the API server."""
        return ServiceHttp(self._api, paths.service_proxy(namespace, service, port), headers)

    def forget(self, uid: str) -> None:
        """A Ray cluster is gone."""
        self._tokens.pop(uid, None)

    async def _token(self, namespace: str, cluster: str, uid: str) -> str:
        if uid not in self._tokens:
            secret = await self._api.get(paths.secret(namespace, cluster))
            if secret is None:
                raise UnreachableError(f"the token of {cluster} is not there yet")
            if len(self._tokens) >= _REMEMBERED:
                self._tokens.clear()  # those of clusters that went with their job
            self._tokens[uid] = _token_of(secret, cluster, uid)
        return self._tokens[uid]


def _token_of(secret: Json, cluster: str, uid: str) -> str:
    """The token that a Secret holds; a Secret of this name may be anybody's.

    Raises:
        UnreachableError: it holds none, or none that this cluster's head may know.
    """
    try:
        owners = {owner["uid"] for owner in secret["metadata"]["ownerReferences"]}
    except (LookupError, TypeError):
        owners = set()
    if uid not in owners:  # an earlier cluster's, about to go, or anybody's
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
