"""What the definition of a job accepts, the API server accepts in the job's Pods and claims.

Its namespace takes restricted Pods alone.
"""

from pathlib import Path

import pytest
import yaml
from support.cluster.api_client import ApiClient, ApiRefusal, Json
from support.cluster.jobs import full_pipeline_job, with_change
from support.job_harness import UID
from support.profiles import profile_of_every_name
from support.ray_service import exported_manifest, service_context
from support.repository import ROOT
from support.wrong_jobs import RIGHT_IN_KUBERNETES

from llmtrain_api.job import LLMTrainingJob
from llmtrain_api.manifest import parse_job
from llmtrain_api.names import cluster_name, head_service_name
from llmtrain_api.status import ClusterStatus
from llmtrain_lifecycle.builders.ray_cluster import ray_cluster
from llmtrain_lifecycle.builders.workspace import workspace_claim
from llmtrain_lifecycle.policies.permitted import Permitted, ServiceAccount
from llmtrain_lifecycle.settings import PodSettings

_NAMESPACE = "restricted-jobs"
_CORE = f"/api/v1/namespaces/{_NAMESPACE}"
_RUNTIMES = "/apis/node.k8s.io/v1/runtimeclasses"
_CLASSES = "/apis/scheduling.k8s.io/v1/priorityclasses"
_SETTINGS = PodSettings(
    image="trainer",
    ray_version="2.60.0",
    profiles=profile_of_every_name(),
    permitted=Permitted(service_accounts=(ServiceAccount(name="bucket-reader"),)),
)


@pytest.fixture(scope="module")
def server(api_server: ApiClient) -> ApiClient:
    """An API server that makes Pods: it asks for an account and for the priority class."""
    labels = {"pod-security.kubernetes.io/enforce": "restricted"}
    namespace = {"metadata": {"name": _NAMESPACE, "labels": labels}}
    api_server.request("POST", "/api/v1/namespaces", namespace)
    for account in ("default", "bucket-reader", "server"):
        api_server.request("POST", f"{_CORE}/serviceaccounts", {"metadata": {"name": account}})
    api_server.request("POST", _RUNTIMES, {"metadata": {"name": "nvidia"}, "handler": "nvidia"})
    api_server.request("POST", _CLASSES, {"metadata": {"name": "high"}, "value": 1})
    for path, name in RIGHT_IN_KUBERNETES:
        if path == "spec.policy.priorityClassName":
            api_server.request("POST", _CLASSES, {"metadata": {"name": name}, "value": 1})
    return api_server


def _pods(cluster: Json) -> list[Json]:
    """The Pods that KubeRay makes of a RayCluster's templates."""
    spec, labels = cluster["spec"], cluster["metadata"]["labels"]
    return [
        {
            "metadata": {"name": f"{cluster['metadata']['name']}-{number}", "labels": labels},
            "spec": group["template"]["spec"],
        }
        for number, group in enumerate([spec["headGroupSpec"], *spec["workerGroupSpecs"]])
    ]


@pytest.mark.parametrize(("path", "value"), RIGHT_IN_KUBERNETES)
def test_they_are_accepted(server: ApiClient, path: str, value: object) -> None:
    _try_to_make_all(server, parse_job(with_change(full_pipeline_job(), path, value)))


def test_those_of_a_job_that_uses_every_field_are_accepted(server: ApiClient) -> None:
    everything = (ROOT / "tests" / "golden" / "everything.yaml").read_text()
    _try_to_make_all(server, parse_job(yaml.safe_load(everything)))


def test_those_of_a_service_are_accepted(server: ApiClient, tmp_path: Path) -> None:
    service = exported_manifest(service_context(tmp_path))
    cluster = {
        "metadata": {"name": "service", "labels": {}},
        "spec": service["spec"]["rayClusterConfig"],
    }
    for pod in _pods(cluster):
        _try_to_make(server, "pods", pod)


def test_others_would_be_refused(server: ApiClient) -> None:
    pod = {
        "metadata": {"name": "other"},
        "spec": {"containers": [{"name": "a", "image": "a"}]},
    }
    with pytest.raises(ApiRefusal, match="violates PodSecurity"):
        _try_to_make(server, "pods", pod)


def _try_to_make_all(server: ApiClient, job: LLMTrainingJob) -> None:
    claim = workspace_claim(job)
    if claim is not None:
        _try_to_make(server, "persistentvolumeclaims", claim)
    for group in dict.fromkeys(stage.group for stage in job.spec.stages):
        name = cluster_name(job.metadata.name, group, 0)
        status = ClusterStatus(name=name, group=group, generation=0)
        for pod in _pods(ray_cluster(job, UID, status, _SETTINGS)):
            _try_to_make(server, "pods", pod)
        service = {"metadata": {"name": head_service_name(name)}, "spec": {"ports": [{"port": 1}]}}
        _try_to_make(server, "services", service)


@pytest.mark.parametrize("fixed", [True, False])
def test_the_cluster_may_choose_the_user(*, fixed: bool) -> None:
    job = parse_job(full_pipeline_job())
    group = job.spec.stages[0].group
    status = ClusterStatus(name="it", group=group, generation=0)
    settings = PodSettings(image="trainer", ray_version="2.60.0", fixed_user=fixed)
    for pod in _pods(ray_cluster(job, UID, status, settings)):
        security = pod["spec"]["securityContext"]
        assert security["runAsNonRoot"]
        users = {"runAsUser", "runAsGroup", "fsGroup"}
        assert users & set(security) == (users if fixed else set())


def _try_to_make(server: ApiClient, kind: str, body: Json) -> None:
    server.request("POST", f"{_CORE}/{kind}?dryRun=All&fieldValidation=Strict", body)
