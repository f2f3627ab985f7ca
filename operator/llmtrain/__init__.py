"""llmtrain in a program: `from llmtrain import Client`."""

from llmtrain.client import Client
from llmtrain.errors import (
    ClusterError,
    JobExistsError,
    JobNotFoundError,
    JobStateError,
    KubeconfigError,
    LLMTrainError,
    LogError,
    ManifestError,
    OtherVersionError,
    RunError,
    WaitTimeoutError,
)
from llmtrain.jobs import Job
from llmtrain.local.lock import WorkspaceError
from llmtrain.local.places import PlaceError
from llmtrain.local.state import StateError
from llmtrain.manifest import load_manifest
from llmtrain_api.job import LLMTrainingJob
from llmtrain_api.stages import Stage
from llmtrain_api.status import JobStatus, Phase

__all__ = [
    "Client",
    "ClusterError",
    "Job",
    "JobExistsError",
    "JobNotFoundError",
    "JobStateError",
    "JobStatus",
    "KubeconfigError",
    "LLMTrainError",
    "LLMTrainingJob",
    "LogError",
    "ManifestError",
    "OtherVersionError",
    "Phase",
    "PlaceError",
    "RunError",
    "Stage",
    "StateError",
    "WaitTimeoutError",
    "WorkspaceError",
    "load_manifest",
]
