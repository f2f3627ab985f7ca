"""How the operator gets to the head of a Ray cluster."""

import base64
from dataclasses import dataclass

import aiohttp

from llmtrain_api.names import PROGRESS_PORT, head_service_name
from llmtrain_operator.io import paths
from llmtrain_operator.io.http import DirectHttp, Http, UnreachableError, ray_headers
from llmtrain_operator.io.kubernetes_api import KubernetesApi
from llmtrain_operator.io.ray_jobs import RayJobs

_DASHBOARD_PORT = 8265
_REMEMBERED = 10_000


@dataclass(frozen=True)
class Head:
    """The head of one Ray cluster."""

    jobs: RayJobs
    driver: Http
    """The driver's progress server."""


class Reach:
    """Finds heads: by the cluster's own DNS, or through the API server.

    Args:
        api: of Kubernetes.
        session: for requests within the cluster; None to go through the API server.
    """

    def __init__(self, api: KubernetesApi, session: aiohttp.ClientSession | None) -> None:
        self._api, self._session = api, session
        self._tokens: dict[str, str] = {}

    async def head(self, namespace: str, cluster: str, uid: str) -> Head:
        """The head of a Ray cluster.

        Args:
            namespace: of the RayCluster.
            cluster: its name.
            uid: its uid; another one of the same name has another token.

        Raises:
            UnreachableError: its token is not there yet.
            KubernetesError: the API server refused, or cannot be reached.
        """
        headers = ray_headers(await self._token(namespace, cluster, uid))
        service = head_service_name(cluster)
        if self._session is None:
            return Head(
                RayJobs(self._api.service(namespace, service, "dashboard", headers)),
                self._api.service(namespace, service, "progress", headers),
            )
        host = f"http://{service}.{namespace}.svc"
        return Head(
            RayJobs(DirectHttp(self._session, f"{host}:{_DASHBOARD_PORT}", headers)),
            DirectHttp(self._session, f"{host}:{PROGRESS_PORT}", headers),
        )

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
            self._tokens[uid] = base64.b64decode(secret["data"]["auth_token"]).decode()
        return self._tokens[uid]
