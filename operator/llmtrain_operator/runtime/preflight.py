"""Whether the cluster has what every job needs."""

import time

from llmtrain_clients import paths
from llmtrain_clients.kubernetes_api import KubernetesApi
from llmtrain_lifecycle.snapshot import Obstacle

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
