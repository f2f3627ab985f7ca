"""What the definition of a job accepts, the API server accepts in the job's Pods and claims."""

import pytest
from support.cluster.api_client import ApiClient, Json
from support.cluster.jobs import full_pipeline_job, with_change
from support.job_harness import UID
from support.wrong_jobs import RIGHT_IN_KUBERNETES

from llmtrain_api.manifest import parse_job
from llmtrain_api.names import cluster_name, head_service_name
from llmtrain_api.status import ClusterStatus
from llmtrain_lifecycle.builders.ray_cluster import ray_cluster
from llmtrain_lifecycle.builders.workspace import workspace_claim
from llmtrain_lifecycle.settings import PodSettings

_CORE = "/api/v1/namespaces/default"
_CLASSES = "/apis/scheduling.k8s.io/v1/priorityclasses"
_SETTINGS = PodSettings(image="trainer", ray_version="2.60.0")


@pytest.fixture(scope="module")
def server(api_server: ApiClient) -> ApiClient:
    """An API server that makes Pods: it asks for an account and for the priority class."""
    api_server.request("POST", f"{_CORE}/serviceaccounts", {"metadata": {"name": "default"}})
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
    job = parse_job(with_change(full_pipeline_job(), path, value))
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
