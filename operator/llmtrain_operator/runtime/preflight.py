"""Checks that the cluster has what a job needs, before a Ray cluster is made for it."""

import time

from llmtrain_api.job import LLMTrainingJob
from llmtrain_clients import paths
from llmtrain_clients.kubernetes_api import KubernetesApi
from llmtrain_clients.kubernetes_errors import as_expected
from llmtrain_lifecycle.policies.permitted import permission_obstacle
from llmtrain_lifecycle.policies.profiles import profile_obstacle
from llmtrain_lifecycle.policies.secrets import Labels, secrets_obstacle
from llmtrain_lifecycle.settings import PodSettings
from llmtrain_lifecycle.snapshot import Obstacle

_LOOK_AGAIN_SECONDS = 20.0
_OLDEST_RAY = (2, 54)
_NO_KUBERAY = Obstacle(
    "KubeRayMissing",
    "this cluster has no RayClusters (ray.io/v1): install KubeRay 1.5.1 or newer",
)


class Preflight:
    """Checks what the cluster lacks, and repeats failed checks at intervals.

    Args:
        api: client of Kubernetes.
        settings: the operator's settings for Pods.
    """

    def __init__(self, api: KubernetesApi, settings: PodSettings) -> None:
        self._api, self._settings = api, settings
        self._has_kuberay = False
        self._looked_at = float("-inf")

    async def obstacle(self, namespace: str, job: LLMTrainingJob) -> Obstacle | None:
        """Obstacle to the creation of a job's Ray cluster; None if there is none.

        Args:
            namespace: namespace of the job.
            job: the job.

        Raises:
            KubernetesError: the API server refused, or cannot be reached.
        """
        if _minor(self._settings.ray_version) < _OLDEST_RAY:
            return _too_old(self._settings.ray_version)
        if not await self._finds_kuberay():
            return _NO_KUBERAY
        refused = profile_obstacle(
            job.spec.compute, self._settings.profiles
        ) or permission_obstacle(job.spec, self._settings.permitted)
        if refused is not None:
            return refused
        found = {
            each.name: await self._labels_of_secret(namespace, each.name)
            for each in job.spec.secrets
        }
        return secrets_obstacle(namespace, found)

    async def _finds_kuberay(self) -> bool:
        if not self._has_kuberay and time.monotonic() - self._looked_at > _LOOK_AGAIN_SECONDS:
            self._has_kuberay = await self._api.get(paths.RAY_API) is not None
            self._looked_at = time.monotonic()
        return self._has_kuberay

    async def _labels_of_secret(self, namespace: str, name: str) -> Labels | None:
        """The labels of a Secret, read without its values; None if it does not exist."""
        metadata = await self._api.metadata(paths.secret(namespace, name))
        if metadata is None:
            return None
        with as_expected("a Secret"):
            labels: Labels = dict(metadata.get("labels", {}))
        return labels


def _minor(version: str) -> tuple[int, ...]:
    return tuple(int(part) for part in version.split(".")[:2])


def _too_old(version: str) -> Obstacle:
    oldest = ".".join(map(str, _OLDEST_RAY))
    return Obstacle(
        "RayTooOld",
        f"the operator's setting trainer.rayVersion is {version}; Ray {oldest}.0 or newer is"
        " needed, whose endpoints ask for a token: build the trainer's image with it",
    )
