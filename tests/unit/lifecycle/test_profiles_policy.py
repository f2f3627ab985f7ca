"""A job names profiles that the operator's settings describe, and what it says itself wins."""

from typing import Any

import pytest
from pydantic import ValidationError
from support.cluster.jobs import full_pipeline_job
from support.job_harness import UID

from llmtrain_api.job import LLMTrainingJob
from llmtrain_api.manifest import parse_job
from llmtrain_api.spec.compute import Nodes
from llmtrain_api.stages import StageGroup
from llmtrain_api.status import ClusterStatus
from llmtrain_lifecycle.builders.ray_cluster import ray_cluster
from llmtrain_lifecycle.policies.profiles import Profile, profile_obstacle
from llmtrain_lifecycle.settings import PodSettings
from llmtrain_operator.runtime.settings import OperatorSettings

_TERM = {"topologyKey": "rack"}
_THEIRS = {"labelSelector": {"matchLabels": {"app": "cache"}}, "topologyKey": "zone"}
_PROFILE = Profile.model_validate(
    {
        "nodeSelector": {"pool": "profile", "rack": "a", "capacity": "profile"},
        "tolerations": [{"key": "rdma"}],
        "resources": {"rdma/ib": 1, "hugepages-2Mi": "1Gi"},
        "environment": [
            {"name": "NCCL_DEBUG", "value": "INFO"},
            {"name": "NCCL_IB_HCA", "value": "mlx5"},
            {"name": "WANDB_API_KEY", "value": "anonymous"},
        ],
        "affinity": {
            "podAffinity": {
                "requiredDuringSchedulingIgnoredDuringExecution": [_TERM],
                "preferredDuringSchedulingIgnoredDuringExecution": [
                    {"weight": 1, "podAffinityTerm": _TERM},
                    {"weight": 2, "podAffinityTerm": _THEIRS},
                ],
            }
        },
        "topologySpreadConstraints": [{"maxSkew": 1, **_TERM}, {"maxSkew": 2, **_THEIRS}],
        "annotations": {"example.com/a": "profile", "example.com/b": "profile"},
    }
)
_SPOT = Nodes.model_validate({"nodeSelector": {"capacity": "spot", "spot": "true"}})
_SETTINGS = PodSettings(
    image="trainer", ray_version="2.60.0", spot=_SPOT, profiles={"ib": _PROFILE, "b": Profile()}
)


def _job(trainers: dict[str, Any], **sections: object) -> LLMTrainingJob:
    job = full_pipeline_job("line")
    job["spec"] |= {"compute": {"trainers": {"gpus": 1} | trainers}} | sections
    return parse_job(job)


def _trainer(job: LLMTrainingJob) -> dict[str, Any]:
    status = ClusterStatus(name="line-trainers-0", group=StageGroup.TRAINERS, generation=0)
    cluster = ray_cluster(job, UID, status, _SETTINGS)
    template: dict[str, Any] = cluster["spec"]["workerGroupSpecs"][0]["template"]
    return template


@pytest.mark.parametrize("section", ["head", "trainers", "cpus"])
@pytest.mark.parametrize(
    ("name", "known", "words"),
    [
        (None, (), None),
        ("ib", ("ib",), None),
        ("h100", ("ib", "a100"), "there are: a100 and ib (the"),
        ("h100", (), "there are: none (the"),
    ],
)
def test_an_unknown_profile_lists_those_there_are(
    section: str, name: str | None, known: tuple[str, ...], words: str | None
) -> None:
    body = full_pipeline_job()
    body["spec"]["compute"] = {section: {"profile": name} if name else {}}
    obstacle = profile_obstacle(parse_job(body).spec.compute, dict.fromkeys(known, Profile()))
    assert (obstacle and obstacle.reason) == (words and "UnknownProfile")
    if obstacle is not None:
        assert words is not None
        assert words in obstacle.message
        assert f"compute.{section}.profile" in obstacle.message


def test_a_profile_adds_what_the_nodes_need() -> None:
    template = _trainer(_job({"profile": "ib"}))
    spec = template["spec"]
    for kind in ("requests", "limits"):
        resources = spec["containers"][0]["resources"][kind]
        added = {"rdma/ib": "1", "hugepages-2Mi": "1Gi", "nvidia.com/gpu": 1}
        assert added.items() <= resources.items()
    own = {"labelSelector": {"matchLabels": {"llmtrain.io/job": "line"}}, **_TERM}
    affinity = spec["affinity"]["podAffinity"]
    assert affinity["requiredDuringSchedulingIgnoredDuringExecution"] == [own]
    preferred = affinity["preferredDuringSchedulingIgnoredDuringExecution"]
    assert [each["podAffinityTerm"] for each in preferred] == [own, _THEIRS]
    spread = spec["topologySpreadConstraints"]
    assert spread == [{"maxSkew": 1} | own, {"maxSkew": 2} | _THEIRS]
    assert template["metadata"]["labels"]["llmtrain.io/profile"] == "ib"


def test_what_the_job_says_itself_wins_over_its_profile_and_that_over_spot() -> None:
    trainers = {"profile": "ib", "spot": True, "nodeSelector": {"pool": "job"}}
    secret = {"name": "wandb", "environment": [{"name": "WANDB_API_KEY"}]}
    template = _trainer(
        _job(
            trainers | {"tolerations": [{"key": "team"}]},
            environment=[{"name": "NCCL_DEBUG", "value": "WARN"}],
            secrets=[secret],
            annotations={"example.com/b": "job"},
        )
    )
    spec = template["spec"]
    selected = {"pool": "job", "rack": "a", "capacity": "profile", "spot": "true"}
    assert spec["nodeSelector"] == selected
    assert [each["key"] for each in spec["tolerations"]] == ["rdma", "team"]
    variables = spec["containers"][0]["env"]
    values = {each["name"]: each.get("value", "secret") for each in variables}
    assert len(values) == len(variables)
    assert values["NCCL_DEBUG"] == "WARN"
    assert values["NCCL_IB_HCA"] == "mlx5"
    assert values["WANDB_API_KEY"] == "secret"
    annotations = {"example.com/a": "profile", "example.com/b": "job"}
    assert template["metadata"]["annotations"] == annotations


def test_without_a_profile_nothing_is_added() -> None:
    spec = _trainer(_job({}))["spec"]
    added = {"affinity", "topologySpreadConstraints", "runtimeClassName", "nodeSelector"}
    assert not added & spec.keys()


@pytest.mark.parametrize(
    ("profile", "words"),
    [
        ({"resources": {"nvidia.com/gpu": 8}}, "compute.trainers.gpus"),
        ({"resources": {"cpu": 8}}, "such as rdma/ib"),
        ({"resources": {"rdma/ib": 0}}, "a whole number"),
        ({"environment": [{"name": "RAY_ADDRESS", "value": "x"}]}, "Ray and KubeRay set it"),
        ({"hostNetwork": True}, "hostNetwork"),
    ],
)
def test_a_profile_that_cannot_work_is_refused(profile: dict[str, Any], words: str) -> None:
    with pytest.raises(ValidationError, match=words):
        OperatorSettings.model_validate({"image": "trainer", "profiles": {"ib": profile}})
