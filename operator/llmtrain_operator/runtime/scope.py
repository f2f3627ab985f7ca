"""What of a cluster the operator can watch, and whether it has what every job needs.

kopf ends as a whole where one of its watches is refused, and never learns of a kind that came
after its start unless it may watch all definitions. So with single namespaces it is started anew,
in the same process, with another scope.
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
    """What can be watched at one moment."""

    namespaces: tuple[str, ...]
    missing_kinds: tuple[str, ...]
    """The groups of kinds that the API server does not know yet."""
    refused: dict[str, str] = field(default_factory=dict, compare=False)
    """The namespaces that cannot be watched, with the API server's words."""

    @property
    def is_whole(self) -> bool:
        """Whether nothing is missing."""
        return not (self.refused or self.missing_kinds)


async def read_scope(
    api: KubernetesApi, namespaces: Iterable[str], *, known: Container[str] = ()
) -> Scope:
    """What can be watched of some namespaces now.

    Args:
        api: of Kubernetes.
        namespaces: of the operator's settings.
        known: those of them that can be watched for sure; the API server is not asked.

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
    """What the API server says to a look at a namespace; None where it shows all."""
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
    """Remembers what it has found, and looks again now and then where something was missing.

    Args:
        api: of Kubernetes.
        ray_version: of the trainer's image, as the operator's settings say.
    """

    def __init__(self, api: KubernetesApi, ray_version: str) -> None:
        self._api, self._ray_version = api, ray_version
        self._has_kuberay = False
        self._looked_at = float("-inf")

    async def obstacle(self) -> Obstacle | None:
        """What keeps every Ray cluster from being made; None where nothing does.

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
