"""The operator's own settings, from a file that Helm writes."""

from pathlib import Path as FilePath
from typing import Any, Literal

import yaml
from pydantic import Field, ValidationError

from llmtrain_api.base import Section
from llmtrain_api.faults import describe_faults
from llmtrain_api.names import WORKSPACE_PATH
from llmtrain_api.spec.compute import Nodes
from llmtrain_lifecycle.settings import PodNetwork, PodSettings, Settings


class SettingsError(Exception):
    """The file cannot be used; the message names the field."""


class JobNetwork(Section):
    """Traffic that jobs' Pods may have beside that among the Pods of one job."""

    ingress: tuple[dict[str, Any], ...] = ()
    """Rules, as a NetworkPolicy has them."""
    egress: tuple[dict[str, Any], ...] | None = None
    """The same for what Pods send; they may send anything where it is left out."""

    @property
    def of_pods(self) -> PodNetwork:
        """The same, for the core."""
        return PodNetwork(self.ingress, self.egress)


class OperatorSettings(Section):
    """What whoever runs the operator decides."""

    image: str = Field(min_length=1)
    """Image of the trainer, where a manifest names none."""
    ray_version: str = Field("2.60.0", pattern=r"^[0-9]+\.[0-9]+\.[0-9]+")
    """Version of Ray in that image."""
    image_pull_policy: Literal["Always", "IfNotPresent", "Never"] = "IfNotPresent"
    image_pull_secrets: tuple[str, ...] = ()
    cpu_overcommit: float = Field(1.0, ge=1, le=100)
    """CPU cores that Pods ask for are divided by this, for clusters with few: kind, minikube."""
    gpu_resource: str = "nvidia.com/gpu"
    """The resource that counts GPUs."""
    grace_seconds: int = Field(120, ge=1, le=86400)
    """What a Pod gets between SIGTERM and SIGKILL, to commit a checkpoint."""
    spot: Nodes = Nodes()
    """Labels and taints of spot machines, for jobs with `compute.trainers.spot`."""
    network: JobNetwork | None = None
    """For the NetworkPolicy of each job; none is made where it is left out."""
    namespaces: tuple[str, ...] = ()
    """Namespaces that are watched; all of them where none is named."""
    reach: Literal["service", "apiServer"] = "service"
    """How Ray's heads are reached: by the cluster's DNS, or, from outside of it, through the API
    server."""
    prices_file: str | None = None
    """YAML file with the price list, read again when it changes; no costs are known without."""
    metrics_port: int | None = Field(None, ge=1, le=65535)
    """Where Prometheus reads; metrics are not served where it is left out."""
    poll_seconds: float = Field(5.0, gt=0, le=300)
    """Between two looks at a stage that runs."""
    resync_seconds: float = Field(300.0, ge=1, le=86400)
    """Between two looks at everything, for what the watches may have missed."""
    num_workers: int = Field(32, ge=1, le=256)
    """Passes at a time; those that wait for a head are not counted."""

    @property
    def pods(self) -> PodSettings:
        """The part that Pods are made from."""
        return PodSettings(
            image=self.image,
            ray_version=self.ray_version,
            image_pull_policy=self.image_pull_policy,
            image_pull_secrets=self.image_pull_secrets,
            cpu_overcommit=self.cpu_overcommit,
            gpu_resource=self.gpu_resource,
            grace_seconds=self.grace_seconds,
            spot=self.spot,
            network=None if self.network is None else self.network.of_pods,
        )

    @property
    def state_machine(self) -> Settings:
        """The part that decisions rest on."""
        return Settings(workspace=WORKSPACE_PATH, inputs=WORKSPACE_PATH)


def read_settings(path: FilePath) -> OperatorSettings:
    """The settings in a YAML file.

    Raises:
        SettingsError: it cannot be read, or a field is wrong.
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
