"""The NetworkPolicy of a job: its Pods reach each other, and others as the settings allow."""

from llmtrain_api import names
from llmtrain_api.job import LLMTrainingJob
from llmtrain_lifecycle.builders.labels import Json, job_labels, owner_reference
from llmtrain_lifecycle.settings import PodNetwork


def network_policy(job: LLMTrainingJob, uid: str, network: PodNetwork) -> Json:
    """The policy for all Pods of a job.

    Args:
        job: the job.
        uid: UID of the job. It is part of the policy's name, so that the next job with the same
            name does not take the policy, which is about to be deleted, for its own.
        network: network settings of the operator.
    """
    own_pods = {"podSelector": {"matchLabels": {names.JOB_LABEL: job.metadata.name}}}
    spec: Json = {
        **own_pods,
        "policyTypes": ["Ingress"],
        # Ray chooses its ports.
        "ingress": [{"from": [own_pods]}, *network.ingress],
    }
    if network.egress is not None:
        spec["policyTypes"].append("Egress")
        spec["egress"] = [{"to": [own_pods]}, *network.egress]
    return {
        "apiVersion": "networking.k8s.io/v1",
        "kind": "NetworkPolicy",
        "metadata": {
            "name": f"{job.metadata.name}-{uid[:8]}",
            "labels": job_labels(job),
            "ownerReferences": [owner_reference(job, uid)],
        },
        "spec": spec,
    }
