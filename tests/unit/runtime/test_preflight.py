"""What the cluster lacks is named before anything is asked for."""

import pytest
from support.cluster.jobs import full_pipeline_job

from llmtrain_api.job import LLMTrainingJob
from llmtrain_api.manifest import parse_job
from llmtrain_clients.kubernetes_api import Json, KubernetesApi
from llmtrain_lifecycle.settings import PodSettings
from llmtrain_operator.runtime.preflight import Preflight

_SECRETS = "/api/v1/namespaces/team-a/secrets"


class _Cluster(KubernetesApi):
    """With KubeRay or without, and with some Secrets, whose values nobody reads."""

    def __init__(self, *, kuberay: bool = True, secrets: dict[str, Json] | None = None) -> None:
        super().__init__()
        self._kuberay, self._secrets = kuberay, secrets or {}

    async def get(self, path: str) -> Json | None:
        assert path == "/apis/ray.io/v1"
        return {} if self._kuberay else None

    async def metadata(self, path: str) -> Json | None:
        return self._secrets.get(path.removeprefix(f"{_SECRETS}/"))


def _job(*secrets: str, **sections: object) -> LLMTrainingJob:
    job = full_pipeline_job()
    job["spec"] |= sections
    job["spec"]["secrets"] = [{"name": name, "files": True} for name in secrets]
    return parse_job(job)


def _preflight(cluster: _Cluster, ray_version: str = "2.60.0") -> Preflight:
    return Preflight(cluster, PodSettings(image="trainer", ray_version=ray_version))


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
    preflight = _preflight(_Cluster(kuberay=kuberay), ray_version)
    obstacle = await preflight.obstacle("team-a", _job())
    assert (obstacle and obstacle.reason) == reason


@pytest.mark.parametrize(
    ("labels", "reason"),
    [({"llmtrain.io/for-jobs": "true"}, None), ({}, "SecretNotForJobs")],
)
async def test_each_secret_of_a_job_is_looked_at(labels: Json, reason: str | None) -> None:
    allowed = {"labels": {"llmtrain.io/for-jobs": "true"}}
    cluster = _Cluster(secrets={"first": allowed, "second": {"labels": labels}})
    obstacle = await _preflight(cluster).obstacle("team-a", _job("first", "second"))
    assert (obstacle and obstacle.reason) == reason


async def test_a_secret_without_labels_and_one_that_is_not_there_are_told_apart() -> None:
    cluster = _Cluster(secrets={"plain": {"name": "plain"}})
    preflight = _preflight(cluster)
    reasons = [await preflight.obstacle("team-a", _job(name)) for name in ("plain", "absent")]
    assert [each and each.reason for each in reasons] == ["SecretNotForJobs", "SecretMissing"]


@pytest.mark.parametrize(
    ("sections", "reason"),
    [
        ({"labels": {"team": "a"}}, "LabelNotAllowed"),
        ({"compute": {"cpus": {"profile": "h100"}}}, "UnknownProfile"),
    ],
)
async def test_what_the_settings_do_not_know_is_named(sections: Json, reason: str) -> None:
    obstacle = await _preflight(_Cluster()).obstacle("team-a", _job(**sections))
    assert obstacle is not None
    assert obstacle.reason == reason
