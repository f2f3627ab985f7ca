"""What whoever runs the operator decides about Pods."""

from dataclasses import dataclass, field

from llmtrain_api.spec.compute import Nodes


@dataclass(frozen=True)
class PodSettings:
    """Of all Pods of all jobs."""

    image: str
    """Where a manifest names none."""
    ray_version: str
    """Of that image, as KubeRay is to know it."""
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
