"""The RayCluster of a stage group.

KubeRay does not apply a changed template to running Pods, so a RayCluster is never changed, and
other Pods need another one.
"""

from llmtrain_api import names
from llmtrain_api.job import LLMTrainingJob
from llmtrain_api.stages import StageGroup
from llmtrain_api.status import ClusterStatus
from llmtrain_lifecycle.builders.labels import Json, cluster_labels, owner_reference
from llmtrain_lifecycle.builders.pod import pod_template
from llmtrain_lifecycle.settings import PodSettings

_AGENTS = {"dashboard-agent-grpc-port": "52366", "runtime-env-agent-port": "52367"}
"""Ports of Ray's agents beside those that KubeRay gives: the hook in `ray start` must know all."""


def ray_cluster(
    job: LLMTrainingJob, uid: str, cluster: ClusterStatus, settings: PodSettings
) -> Json:
    """The RayCluster (ray.io/v1) of a stage group.

    Args:
        job: the job.
        uid: UID of the job.
        cluster: name and group, as in the job's status.
        settings: settings of the operator.
    """
    labels = cluster_labels(job, cluster)
    queue = job.spec.policy.queue_name
    return {
        "apiVersion": "ray.io/v1",
        "kind": "RayCluster",
        "metadata": {
            "name": cluster.name,
            "labels": {**labels, names.KUEUE_QUEUE_LABEL: queue} if queue else labels,
            # A new head does not know the old one's jobs, and ends its workers.
            "annotations": {"ray.io/disable-provisioned-head-restart": "true"},
            "ownerReferences": [owner_reference(job, uid)],
        },
        "spec": {
            "rayVersion": settings.ray_version,
            "enableInTreeAutoscaling": False,
            "authOptions": {"mode": "token"},
            "headGroupSpec": _head(job, settings, labels),
            "workerGroupSpecs": [_workers(job, cluster.group, settings, labels)],
        },
    }


def _head(job: LLMTrainingJob, settings: PodSettings, labels: dict[str, str]) -> Json:
    return {
        "serviceType": "ClusterIP",
        "rayStartParams": {
            "num-cpus": "0",
            "dashboard-host": "0.0.0.0",  # noqa: S104 - a token guards it
            **_AGENTS,
        },
        "template": pod_template(job, settings, job.spec.compute.head, labels),
    }


def _workers(
    job: LLMTrainingJob, group: StageGroup, settings: PodSettings, labels: dict[str, str]
) -> Json:
    compute = job.spec.compute
    machines = compute.trainers if group is StageGroup.TRAINERS else compute.cpus
    gpus = compute.trainers.gpus if group is StageGroup.TRAINERS else 0
    return {
        "groupName": group.value,
        # All or none: a job has as many workers as its manifest says.
        "replicas": machines.replicas,
        "minReplicas": machines.replicas,
        "maxReplicas": machines.replicas,
        "rayStartParams": {
            "num-cpus": str(machines.cpus),
            "num-gpus": str(gpus),
            **_AGENTS,
        },
        "template": pod_template(job, settings, machines, labels),
    }
