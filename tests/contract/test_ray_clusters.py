"""What the operator asks KubeRay for is what KubeRay's own definition takes, field by field."""

from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml
from hypothesis import HealthCheck, given, settings
from support.cluster.api_client import ApiClient, ApiRefusal, Json
from support.cluster.control_plane import running_api_server
from support.job_harness import UID
from support.kuberay import make_definitions
from support.profiles import profile_of_every_name
from support.random_jobs import valid_jobs
from support.ray_service import exported_manifest, service_context
from support.repository import MANIFESTS, ROOT

from llmtrain_api.job import LLMTrainingJob
from llmtrain_api.manifest import parse_job
from llmtrain_api.names import cluster_name
from llmtrain_api.spec.compute import Nodes, Toleration
from llmtrain_api.status import ClusterStatus
from llmtrain_lifecycle.builders.ray_cluster import ray_cluster
from llmtrain_lifecycle.settings import PodSettings

_CLUSTERS = "/apis/ray.io/v1/namespaces/default/rayclusters"
_SERVICES = "/apis/ray.io/v1/namespaces/default/rayservices"
_EVERYTHING = ROOT / "tests" / "golden" / "everything.yaml"
_SETTINGS = PodSettings(
    image="registry.example/trainer:1",
    ray_version="2.60.0",
    image_pull_policy="Always",
    image_pull_secrets=("registry",),
    cpu_overcommit=3,
    spot=Nodes(node_selector={"pool": "spot"}, tolerations=(Toleration(key="spot"),)),
    profiles=profile_of_every_name(),
)


@pytest.fixture(scope="module")
def kuberay_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ApiClient]:
    """An API server with KubeRay's definitions."""
    with running_api_server(tmp_path_factory.mktemp("kuberay")) as client:
        make_definitions(client)
        yield client


def _clusters(job: LLMTrainingJob) -> Iterator[Json]:
    for group in dict.fromkeys(stage.group for stage in job.spec.stages):
        name = cluster_name(job.metadata.name, group, 0)
        status = ClusterStatus(name=name, group=group, generation=0)
        yield ray_cluster(job, UID, status, _SETTINGS)


def _refusals(client: ApiClient, job: LLMTrainingJob) -> list[str]:
    found = []
    for cluster in _clusters(job):
        try:
            client.request("POST", f"{_CLUSTERS}?dryRun=All&fieldValidation=Strict", cluster)
        except ApiRefusal as refusal:
            found.append(refusal.message)
    return found


@pytest.mark.parametrize("manifest", [*MANIFESTS, _EVERYTHING], ids=lambda path: path.stem)
def test_the_clusters_of_a_manifest_are_accepted(kuberay_server: ApiClient, manifest: Path) -> None:
    job = parse_job(yaml.safe_load(manifest.read_text()))
    assert _refusals(kuberay_server, job) == []


@given(job=valid_jobs(most=6))
@settings(
    max_examples=100,
    # The server keeps nothing between two examples: it is only asked what it would do.
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
def test_the_clusters_of_any_job_are_accepted(
    kuberay_server: ApiClient, job: LLMTrainingJob
) -> None:
    assert _refusals(kuberay_server, job) == []


def test_the_service_of_an_export_is_accepted(kuberay_server: ApiClient, tmp_path: Path) -> None:
    service = exported_manifest(service_context(tmp_path))
    path = f"{_SERVICES}?dryRun=All&fieldValidation=Strict"
    kuberay_server.request("POST", path, service)
    service["spec"]["serveConfigV3"] = ""
    with pytest.raises(ApiRefusal, match="serveConfigV3"):
        kuberay_server.request("POST", path, service)


def test_a_field_that_kuberay_does_not_know_would_be_seen(kuberay_server: ApiClient) -> None:
    (cluster, *_) = _clusters(parse_job(yaml.safe_load(_EVERYTHING.read_text())))
    cluster["spec"]["headGroupSpec"]["template"]["spec"]["nodeSelektor"] = {}
    with pytest.raises(ApiRefusal, match="nodeSelektor"):
        kuberay_server.request("POST", f"{_CLUSTERS}?dryRun=All&fieldValidation=Strict", cluster)
