"""The operator's own settings, from a file that Helm writes."""

from pathlib import Path as FilePath
from typing import Any, Literal, Self

import yaml
from pydantic import Field, ValidationError, model_validator

from llmtrain_api.base import Section
from llmtrain_api.faults import describe_faults
from llmtrain_api.names import WORKSPACE_PATH
from llmtrain_api.spec.compute import Nodes
from llmtrain_api.spec.kubernetes import ProfileName
from llmtrain_lifecycle.policies.permitted import Permitted
from llmtrain_lifecycle.policies.profiles import Profile
from llmtrain_lifecycle.settings import PodNetwork, PodSettings, Settings
from llmtrain_operator.leadership.lease import LeaderElection


class SettingsError(Exception):
    """The file cannot be used; the message names the field."""


class JobNetwork(Section):
    """Traffic of jobs' Pods beside that among the Pods of one job."""

    ingress: tuple[dict[str, Any], ...] = ()
    """Ingress rules, in the form of a NetworkPolicy."""
    egress: tuple[dict[str, Any], ...] | None = None
    """Egress rules, in the form of a NetworkPolicy; without them Pods may send anything."""

    @property
    def of_pods(self) -> PodNetwork:
        """The settings for the state machine's package."""
        return PodNetwork(self.ingress, self.egress)


class OperatorSettings(Section):
    """Settings of the operator."""

    image: str = Field(min_length=1)
    """Image of the trainer for manifests without one."""
    ray_version: str = Field("2.60.0", pattern=r"^[0-9]+\.[0-9]+\.[0-9]+")
    """Version of Ray in that image."""
    image_pull_policy: Literal["Always", "IfNotPresent", "Never"] = "IfNotPresent"
    image_pull_secrets: tuple[str, ...] = ()
    cpu_overcommit: float = Field(1.0, ge=1, le=100)
    """Divisor of the CPU cores that Pods request, for small clusters such as kind and minikube."""
    gpu_resource: str = "nvidia.com/gpu"
    """Name of the GPU resource."""
    grace_seconds: int = Field(120, ge=1, le=86400)
    """Time between SIGTERM and SIGKILL in which a Pod commits a checkpoint."""
    spot: Nodes = Nodes()
    """Labels and taints of spot machines, for jobs with `compute.trainers.spot`."""
    profiles: dict[ProfileName, Profile] = Field({}, max_length=64)
    """What kinds of nodes need, by the names that jobs give in `compute.*.profile`."""
    permitted: Permitted = Permitted()
    """What jobs may bring into their Pods; nothing by default."""
    network: JobNetwork | None = None
    """Settings of each job's NetworkPolicy; without them none is created."""
    namespaces: tuple[str, ...] = ()
    """Namespaces to watch; all of them if none is named."""
    reach: Literal["service", "apiServer"] = "service"
    """Connection to Ray's heads: by the cluster's DNS, or from outside through the API server."""
    prices_file: str | None = None
    """YAML file with the price list, read again when it changes; without it no costs are known."""
    metrics_port: int | None = Field(None, ge=1, le=65535)
    """Port of the metrics; without it none are served."""
    leader_election: LeaderElection | None = None
    """The Lease of several operators; without it this operator is the only one."""
    log_format: Literal["text", "json"] = "text"
    """Form of a line of the log: text, or an object of JSON."""
    fixed_user: bool = True
    """Whether Pods of jobs run as user 1000; on OpenShift the cluster chooses the user."""
    poll_seconds: float = Field(5.0, gt=0, le=300)
    """Interval between reconciles of a running stage."""
    resync_seconds: float = Field(300.0, ge=1, le=86400)
    """Interval between resyncs, which find events that the watches have missed."""
    num_workers: int = Field(32, ge=1, le=256)
    """Most concurrent reconciles; those that wait for a head do not count."""

    @model_validator(mode="after")
    def _gpus_are_counted_once(self) -> Self:
        for name, profile in self.profiles.items():
            if self.gpu_resource in profile.resources:
                raise ValueError(
                    f"profiles.{name}.resources: {self.gpu_resource} is what jobs ask for in "
                    "compute.trainers.gpus; remove it"
                )
        return self

    @property
    def pods(self) -> PodSettings:
        """Settings of Pods."""
        return PodSettings(
            image=self.image,
            ray_version=self.ray_version,
            image_pull_policy=self.image_pull_policy,
            image_pull_secrets=self.image_pull_secrets,
            cpu_overcommit=self.cpu_overcommit,
            gpu_resource=self.gpu_resource,
            grace_seconds=self.grace_seconds,
            spot=self.spot,
            profiles=self.profiles,
            permitted=self.permitted,
            fixed_user=self.fixed_user,
            network=None if self.network is None else self.network.of_pods,
        )

    @property
    def state_machine(self) -> Settings:
        """Settings of the state machine."""
        return Settings(
            workspace=WORKSPACE_PATH,
            inputs=WORKSPACE_PATH,
            least_bandwidth_ratios={
                name: profile.least_bandwidth_ratio
                for name, profile in self.profiles.items()
                if profile.least_bandwidth_ratio is not None
            },
        )


def read_settings(path: FilePath) -> OperatorSettings:
    """Read the settings from a YAML file.

    Raises:
        SettingsError: the file cannot be read, or a field is wrong.
    """
    try:
        document = yaml.safe_load(path.read_text(encoding="utf-8"))
        return OperatorSettings.model_validate(document)
    except (OSError, yaml.YAMLError) as error:
        raise SettingsError(f"{path}: {error}") from error
    except ValidationError as error:
        raise SettingsError(
            f"{path}: {'; '.join(describe_faults(error, OperatorSettings))}"
        ) from error
