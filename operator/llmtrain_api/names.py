"""Every name that two programs must agree on."""

import hashlib
import re
from typing import Final

GROUP = "llmtrain.io"
VERSION = "v1alpha1"
API_VERSION: Final = "llmtrain.io/v1alpha1"
KIND: Final = "LLMTrainingJob"
PLURAL = "llmtrainingjobs"
SINGULAR = "llmtrainingjob"
SHORT_NAME = "ltj"

MANAGED_BY_LABEL = "app.kubernetes.io/managed-by"
MANAGED_BY = "llmtrain"
JOB_LABEL = "llmtrain.io/job"
STAGE_GROUP_LABEL = "llmtrain.io/stage-group"
GENERATION_LABEL = "llmtrain.io/cluster-generation"
PROFILE_LABEL = "llmtrain.io/profile"
KUEUE_QUEUE_LABEL = "kueue.x-k8s.io/queue-name"
KUEUE_JOB_LABEL = "kueue.x-k8s.io/job-uid"
FOR_JOBS_LABEL = "llmtrain.io/for-jobs"
"""Label of Secrets that jobs may use, with the value `true`."""
WORKSPACE_PATH = "/workspace"
"""Mount path of the workspace in all Pods."""
SECRETS_PATH = "/mnt/secrets"
"""Folder of the Secrets' files in all Pods."""
VOLUMES_PATH = "/mnt/volumes"
"""Folder of the job's volumes in all Pods."""

RUN_CONFIG_FILE = "run-config.json"
"""The file with a stage's run config, in the working directory of its driver."""
NODE_VARIABLE = "LLMTRAIN_NODE_NAME"
"""Environment variable of a Pod with the name of its node."""
PROGRESS_PORT = 8790
"""Port of a driver's progress server in a cluster."""
PROGRESS_PATH = "/progress"

JOB_NAME_PATTERN = r"^[a-z0-9]([-a-z0-9]*[a-z0-9])?$"
JOB_NAME_MAX_LENGTH = 40
"""Short enough for the names and labels that are derived from it."""
CLUSTER_NAME_MAX_LENGTH = 41
"""Longest name of a RayCluster; KubeRay adds `-head-svc` for the head's Service, limited to 50."""


def is_job_name(name: str) -> bool:
    """Whether a job may have this name: a DNS label of at most 40 characters."""
    return len(name) <= JOB_NAME_MAX_LENGTH and re.fullmatch(JOB_NAME_PATTERN, name) is not None


def cluster_name(job_name: str, group: str, generation: int) -> str:
    """The name of a job's Ray cluster; the next one has another generation.

    KubeRay refuses a name that begins with a digit (its Service's name is a DNS-1035 label), and
    shortens the names that it derives from a long one. A job name that does not fit is altered,
    and a digest keeps it apart from others.
    """
    suffix = f"-{group}-{generation}"
    longest = CLUSTER_NAME_MAX_LENGTH - len(suffix)
    start = job_name if job_name[0].isalpha() else f"job-{job_name}"
    if start == job_name and len(job_name) <= longest:
        return job_name + suffix
    digest = hashlib.sha256(job_name.encode()).hexdigest()[:6]
    return f"{start[: longest - 7].rstrip('-')}-{digest}{suffix}"


def workspace_claim_name(job_name: str) -> str:
    """The name of the claim that the operator makes for a job's workspace."""
    return f"{job_name}-workspace"


def head_service_name(cluster: str) -> str:
    """The name of the Service that KubeRay makes for a Ray cluster's head."""
    return f"{cluster}-head-svc"


def submission_id(job_name: str, job_uid: str, stage: str, attempt: int) -> str:
    """The Ray job id of an attempt. Ray refuses a used one, so submitting is idempotent."""
    return f"{job_name}-{job_uid[:8]}-{stage}-{attempt}"
