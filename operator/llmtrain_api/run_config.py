"""The run config: all instructions for a stage, rendered by the operator."""

from ipaddress import ip_address
from typing import Literal

from pydantic import Field

from llmtrain_api.base import Record
from llmtrain_api.spec.object_storage import MirrorUrl
from llmtrain_api.spec.tracking import Tracking
from llmtrain_api.spec.workspace import PersistentVolumeClaim
from llmtrain_api.stages import Sections, Stage
from llmtrain_api.versions import MINOR


class Workers(Record):
    """The ranks of a training stage."""

    count: int = Field(ge=1)
    """Number of ranks."""
    cpus: int = Field(ge=1)
    """CPU cores of a rank."""
    gpus: Literal[0, 1]
    """GPUs of a rank."""
    machines: int = Field(1, ge=1)
    """Number of machines that they run on."""
    spot: bool = False
    """Whether the machines may be taken away at any time."""


class RunConfig(Sections):
    """One attempt of one stage. The sections are the manifest's own, defaults filled in."""

    version: Literal["0.2"] = MINOR
    """Minor version of llmtrain that the run config is written for."""
    job_name: str
    job_uid: str
    stage: Stage
    attempt: int = Field(ge=0)
    after_out_of_memory: bool = False
    """Whether the attempt before this one ran out of memory."""
    seed: int
    workspace: str
    """Absolute path of the job's durable folder, the same on every machine of the job."""
    mirror: MirrorUrl | None = None
    """URL of the copy of the workspace's results."""
    claim: PersistentVolumeClaim | None = None
    """The claim that holds the workspace, where the export describes a service that mounts it; on a
    laptop the one that a cluster would have for the job."""
    inputs: str
    """Absolute path of the folder that relative paths of the manifest start from."""
    workers: Workers
    least_bandwidth_ratio: float | None = Field(None, ge=0, le=1)
    """Least bandwidth of a rank's links, as a share of the others' median; 0 judges nothing, and
    None leaves it to the trainer."""
    progress_host: str
    """Address that the driver's progress server binds to: all of them in a cluster, loopback on a
    laptop."""
    progress_port: int = Field(ge=1, le=65535)
    """Port of the driver's progress server."""
    tracking: Tracking | None = None

    @property
    def is_on_one_machine(self) -> bool:
        """Whether the driver and all ranks run on one machine, which nobody else is to reach."""
        return ip_address(self.progress_host).is_loopback
