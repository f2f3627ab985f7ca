"""Whether the cluster has what every job needs."""

import time

from llmtrain_operator.core.snapshot import Obstacle
from llmtrain_operator.io import paths
from llmtrain_operator.io.kubernetes_api import KubernetesApi

_LOOK_AGAIN_SECONDS = 20.0
_NO_KUBERAY = Obstacle(
    "KubeRayMissing",
    "this cluster has no RayClusters (ray.io/v1): install KubeRay 1.5.1 or newer",
)


class Preflight:
    """Remembers what it has found, and looks again now and then where something was missing.

    Args:
        api: of Kubernetes.
    """

    def __init__(self, api: KubernetesApi) -> None:
        self._api = api
        self._has_kuberay = False
        self._looked_at = float("-inf")

    async def obstacle(self) -> Obstacle | None:
        """What keeps every Ray cluster from being made; None where nothing does.

        Raises:
            KubernetesError: the API server refused, or cannot be reached.
        """
        if self._has_kuberay:
            return None
        if time.monotonic() - self._looked_at > _LOOK_AGAIN_SECONDS:
            self._has_kuberay = await self._api.get(paths.RAY_API) is not None
            self._looked_at = time.monotonic()
        return None if self._has_kuberay else _NO_KUBERAY
