"""Settings for all jobs, and for their Pods."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from llmtrain_api.names import PROGRESS_PORT
from llmtrain_api.spec.compute import Nodes
from llmtrain_lifecycle.policies.permitted import Permitted
from llmtrain_lifecycle.policies.profiles import Profile


@dataclass(frozen=True)
class Settings:
    """The executor's part of a run config, and the timing of the state machine."""

    workspace: str
    """Absolute path of the job's durable folder."""
    inputs: str
    """Absolute path of the folder of the manifest's relative paths."""
    home: str | None = None
    """Absolute path of the folder that `~` stands for; None if paths must not use it."""
    max_workers: int | None = None
    """Number of ranks that fit; None for as many as the manifest asks for."""
    use_gpus: bool = True
    """Whether ranks get the GPUs that the manifest asks for."""
    progress_host: str = "0.0.0.0"  # noqa: S104 - the operator and Prometheus read it over the network
    progress_port: int = PROGRESS_PORT
    one_cluster: bool = False
    """Whether one Ray cluster runs all stages: on a laptop every cluster is the same machine."""
    first_backoff_seconds: float = 5.0
    """Wait before the second attempt of a stage; doubled for each one after it."""
    longest_backoff_seconds: float = 300.0
    least_bandwidth_ratios: Mapping[str, float] = field(default_factory=dict)
    """Least bandwidth of a rank's links as a share of the others' median, by profile."""
    usd_per_hour: Decimal = Decimal(0)
    """Price of this machine in US dollars per hour; on a cluster the nodes' prices count."""


@dataclass(frozen=True)
class PodNetwork:
    """Traffic of jobs' Pods beside that among the Pods of one job."""

    ingress: tuple[dict[str, Any], ...] = ()
    """Ingress rules, in the form of a NetworkPolicy."""
    egress: tuple[dict[str, Any], ...] | None = None
    """Egress rules, in the form of a NetworkPolicy; None if Pods may send anything."""


@dataclass(frozen=True)
class PodSettings:
    """Settings of the operator that apply to all Pods of all jobs."""

    image: str
    """Image of jobs without one in the manifest."""
    ray_version: str
    """Version of Ray in that image, which KubeRay needs."""
    image_pull_policy: str = "IfNotPresent"
    image_pull_secrets: tuple[str, ...] = ()
    cpu_overcommit: float = 1.0
    """Divisor of the CPU cores that Pods request, for small clusters such as kind and minikube."""
    gpu_resource: str = "nvidia.com/gpu"
    """Name of the GPU resource."""
    grace_seconds: int = 120
    """Time between SIGTERM and SIGKILL: enough to commit a checkpoint."""
    fixed_user: bool = True
    """Whether Pods run as user 1000; False where the cluster chooses the user (OpenShift)."""
    spot: Nodes = field(default_factory=Nodes)
    """Labels of spot machines."""
    profiles: Mapping[str, Profile] = field(default_factory=dict)
    """Profiles of nodes, by name."""
    permitted: Permitted = field(default_factory=Permitted)
    """What jobs may bring into their Pods."""
    network: PodNetwork | None = None
    """Network settings; None if no NetworkPolicy is created."""
