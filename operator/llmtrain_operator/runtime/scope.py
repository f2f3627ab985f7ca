"""Finds what the operator can watch, and whether the cluster has what every job needs.

kopf ends if one of its watches is refused, and it does not notice kinds that are installed after
its start unless it may watch all CRDs. So with single namespaces kopf is restarted with the new
scope, in the same process.
"""

import time
from collections.abc import Container, Iterable
from dataclasses import dataclass, field

from llmtrain_api import names
from llmtrain_clients import paths
from llmtrain_clients.kubernetes_api import KubernetesApi
from llmtrain_lifecycle.snapshot import Obstacle

_KINDS = (f"/apis/{names.GROUP}/{names.VERSION}", paths.RAY_API)


@dataclass(frozen=True)
class Scope:
    """The namespaces and kinds that can be watched."""

    namespaces: tuple[str, ...]
    missing_kinds: tuple[str, ...]
    """API groups that the API server does not have yet."""
    refused: dict[str, str] = field(default_factory=dict, compare=False)
    """Namespaces that cannot be watched, with the API server's messages."""

    @property
    def is_whole(self) -> bool:
        """Whether nothing is missing."""
        return not (self.refused or self.missing_kinds)


async def read_scope(
    api: KubernetesApi, namespaces: Iterable[str], *, known: Container[str] = ()
) -> Scope:
    """Find what can be watched in some namespaces.

    Args:
        api: client of Kubernetes.
        namespaces: namespaces of the operator's settings.
        known: namespaces that are known to be readable; the API server is not asked.

    Raises:
        KubernetesError: the API server cannot be reached.
    """
    readable, refused = [], {}
    for namespace in namespaces:
        why = None if namespace in known else await _refusal(api, namespace)
        if why is None:
            readable.append(namespace)
        else:
            refused[namespace] = why
    missing = [kind for kind in _KINDS if await api.get(kind) is None]
    return Scope(tuple(readable), tuple(missing), refused)


async def _refusal(api: KubernetesApi, namespace: str) -> str | None:
    """The API server's refusal to list a namespace; None if everything can be listed."""
    for path in (paths.jobs(namespace), paths.ray_clusters(namespace), paths.pods(namespace)):
        if (why := await api.refusal(path)) is not None:
            return why
    return None


_LOOK_AGAIN_SECONDS = 20.0
_NO_KUBERAY = Obstacle(
    "KubeRayMissing",
    "this cluster has no RayClusters (ray.io/v1): install KubeRay 1.5.1 or newer",
)


_OLDEST_RAY = (2, 54)


class Preflight:
    """Checks what the cluster lacks, and repeats failed checks at intervals.

    Args:
        api: client of Kubernetes.
        ray_version: version of Ray in the trainer's image, from the operator's settings.
    """

    def __init__(self, api: KubernetesApi, ray_version: str) -> None:
        self._api, self._ray_version = api, ray_version
        self._has_kuberay = False
        self._looked_at = float("-inf")

    async def obstacle(self) -> Obstacle | None:
        """Obstacle to the creation of any Ray cluster; None if there is none.

        Raises:
            KubernetesError: the API server refused, or cannot be reached.
        """
        if _minor(self._ray_version) < _OLDEST_RAY:
            return _too_old(self._ray_version)
        if self._has_kuberay:
            return None
        if time.monotonic() - self._looked_at > _LOOK_AGAIN_SECONDS:
            self._has_kuberay = await self._api.get(paths.RAY_API) is not None
            self._looked_at = time.monotonic()
        return None if self._has_kuberay else _NO_KUBERAY


def _minor(version: str) -> tuple[int, ...]:
    return tuple(int(part) for part in version.split(".")[:2])


def _too_old(version: str) -> Obstacle:
    oldest = ".".join(map(str, _OLDEST_RAY))
    return Obstacle(
        "RayTooOld",
        f"the operator's setting trainer.rayVersion is {version}; Ray {oldest}.0 or newer is"
        " needed, whose endpoints ask for a token: build the trainer's image with it",
    )
