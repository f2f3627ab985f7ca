"""What whoever runs jobs decides for all of them, and for their Pods."""

from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from llmtrain_api.names import PROGRESS_PORT
from llmtrain_api.spec.compute import Nodes


@dataclass(frozen=True)
class Settings:
    """The executor's side of a run config, and the pace of the state machine."""

    workspace: str
    """Absolute path of the job's durable folder."""
    inputs: str
    """Absolute path of the folder that the manifest's relative paths start from."""
    home: str | None = None
    """Absolute path of the folder that `~` stands for; None where paths have none."""
    max_workers: int | None = None
    """Ranks that fit; None for as many as the manifest asks for."""
    use_gpus: bool = True
    """Whether ranks get the GPUs that the manifest asks for."""
    progress_host: str = "0.0.0.0"  # noqa: S104 - the operator and Prometheus read it over the network
    progress_port: int = PROGRESS_PORT
    one_cluster: bool = False
    """Whether one Ray cluster runs all stages: on a laptop every cluster is the same machine."""
    first_backoff_seconds: float = 5.0
    """Wait before the second attempt of a stage; doubled for each one after it."""
    longest_backoff_seconds: float = 300.0
    usd_per_hour: Decimal = Decimal(0)
    """What this machine costs; on a cluster the nodes' prices count."""


@dataclass(frozen=True)
class PodNetwork:
    """Traffic that jobs' Pods may have beside that among the Pods of one job."""

    ingress: tuple[dict[str, Any], ...] = ()
    """Rules, as a NetworkPolicy has them."""
    egress: tuple[dict[str, Any], ...] | None = None
    """The same for what Pods send; None where they may send anything."""


@dataclass(frozen=True)
class PodSettings:
    """Settings of the operator that apply to all Pods of all jobs."""

    image: str
    """Image for jobs whose manifest names none."""
    ray_version: str
    """Version of Ray in that image, which KubeRay needs to know."""
    image_pull_policy: str = "IfNotPresent"
    image_pull_secrets: tuple[str, ...] = ()
    cpu_overcommit: float = 1.0
    """CPU cores that Pods ask for are divided by this, for clusters with few: kind, minikube."""
    gpu_resource: str = "nvidia.com/gpu"
    """The resource that counts GPUs."""
    grace_seconds: int = 120
    """Between SIGTERM and SIGKILL: enough to commit a checkpoint."""
    spot: Nodes = field(default_factory=Nodes)
    """Where trainers run that may be taken away."""
    network: PodNetwork | None = None
    """None where no NetworkPolicy is made."""
