"""The claim of a job's workspace."""

from collections.abc import Mapping

from llmtrain_api.job import LLMTrainingJob
from llmtrain_lifecycle.builders.labels import Json, job_labels


def claim_name(job: LLMTrainingJob) -> str:
    """The name of the claim that the job's Pods mount."""
    return job.spec.workspace.claim_of(job.metadata.name).claim_name


def workspace_claim(job: LLMTrainingJob) -> Json | None:
    """The claim that the operator creates; None if the manifest names one.

    It has no owner and outlives the job, since it holds the model.
    """
    workspace = job.spec.workspace
    if workspace.persistent_volume_claim is not None:
        return None
    spec: Json = {
        "accessModes": ["ReadWriteMany" if workspace.shared else "ReadWriteOnce"],
        "resources": {"requests": {"storage": workspace.size}},
    }
    if workspace.storage_class_name is not None:
        spec["storageClassName"] = workspace.storage_class_name
    return {
        "apiVersion": "v1",
        "kind": "PersistentVolumeClaim",
        "metadata": {"name": claim_name(job), "labels": job_labels(job)},
        "spec": spec,
    }


def is_workspace_of(job: LLMTrainingJob, labels: Mapping[str, str]) -> bool:
    """Whether a claim with these labels belongs to a job with this name, or to an earlier one."""
    return job_labels(job).items() <= labels.items()
