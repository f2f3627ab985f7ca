"""What the cluster lacks is named before anything is asked for."""

import pytest

from llmtrain_clients.kubernetes_api import Json, KubernetesApi
from llmtrain_operator.runtime.scope import Preflight


class _Cluster(KubernetesApi):
    """With KubeRay or without."""

    def __init__(self, *, kuberay: bool) -> None:
        super().__init__()
        self._kuberay = kuberay

    async def get(self, path: str) -> Json | None:
        assert path == "/apis/ray.io/v1"
        return {} if self._kuberay else None


@pytest.mark.parametrize(
    ("kuberay", "ray_version", "reason"),
    [
        (True, "2.60.0", None),
        (True, "3.0.0", None),
        (True, "2.54.0", None),
        (True, "2.53.2", "RayTooOld"),
        (False, "2.60.0", "KubeRayMissing"),
    ],
)
async def test_what_is_missing_is_named(
    ray_version: str, reason: str | None, *, kuberay: bool
) -> None:
    obstacle = await Preflight(_Cluster(kuberay=kuberay), ray_version).obstacle()
    assert (obstacle and obstacle.reason) == reason
