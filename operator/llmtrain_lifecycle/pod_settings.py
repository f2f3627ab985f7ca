"""What whoever runs the operator decides about Pods."""

from dataclasses import dataclass, field
from typing import Any

from llmtrain_api.spec.compute import Nodes


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
