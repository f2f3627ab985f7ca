"""Labels and owner references of a job's objects."""

from typing import Any

from llmtrain_api import names
from llmtrain_api.job import LLMTrainingJob
from llmtrain_api.status import ClusterStatus

Json = dict[str, Any]


def job_labels(job: LLMTrainingJob) -> dict[str, str]:
    """Labels of every object that belongs to a job."""
    return {names.MANAGED_BY_LABEL: names.MANAGED_BY, names.JOB_LABEL: job.metadata.name}


def cluster_labels(job: LLMTrainingJob, cluster: ClusterStatus) -> dict[str, str]:
    """Labels of a Ray cluster and its Pods."""
    return {
        **job_labels(job),
        names.STAGE_GROUP_LABEL: cluster.group.value,
        names.GENERATION_LABEL: str(cluster.generation),
    }


def owner_reference(job: LLMTrainingJob, uid: str) -> Json:
    """An owner reference, which makes Kubernetes delete an object with its job."""
    return {
        "apiVersion": names.API_VERSION,
        "kind": names.KIND,
        "name": job.metadata.name,
        "uid": uid,
        "controller": True,
        "blockOwnerDeletion": True,
    }
