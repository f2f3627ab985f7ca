"""A head gets the token that KubeRay made for its cluster, and no other Secret of that name."""

import base64
from dataclasses import dataclass

import pytest

from llmtrain_clients.http import UnreachableError
from llmtrain_clients.kubernetes_api import Json, KubernetesApi
from llmtrain_clients.ray_connector import RayConnector


@dataclass
class _Server(KubernetesApi):
    """An API server with one Secret; owners by uid."""

    owners: list[str]

    async def get(self, path: str) -> Json:
        assert path == "/api/v1/namespaces/team/secrets/job-cpus-0"
        return {
            "metadata": {"ownerReferences": [{"uid": uid} for uid in self.owners]},
            "data": {"auth_token": base64.b64encode(b"token").decode()},
        }


@pytest.mark.parametrize("owners", [[], ["an-earlier-cluster"]], ids=str)
async def test_a_secret_that_is_not_the_cluster_s_is_not_used(owners: list[str]) -> None:
    with pytest.raises(UnreachableError, match="job-cpus-0 was not made by KubeRay for this"):
        await RayConnector(_Server(owners), None).head("team", "job-cpus-0", "this-cluster")


async def test_that_of_the_cluster_is_used() -> None:
    await RayConnector(_Server(["this-cluster"]), None).head("team", "job-cpus-0", "this-cluster")
