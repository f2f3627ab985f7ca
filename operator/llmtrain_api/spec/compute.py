"""The compute section: machines of a job."""

from typing import Annotated, Literal

from pydantic import Field, StringConstraints

from llmtrain_api.base import Section, written
from llmtrain_api.spec.kubernetes import LabelKey, LabelValue, NodeSelector, ProfileName

Memory = Annotated[
    str,
    StringConstraints(pattern=r"^[1-9][0-9]{0,8}(Mi|Gi|Ti)$", min_length=3, max_length=16),
    written("a whole number of Mi, Gi or Ti, such as 8Gi"),
]
"""A Kubernetes quantity in binary units: `512Mi`, `8Gi`, `1Ti`."""

_BYTES_PER_UNIT = {"Mi": 2**20, "Gi": 2**30, "Ti": 2**40}


def memory_bytes(memory: str) -> int:
    """Bytes in a memory quantity such as `8Gi`."""
    return int(memory[:-2]) * _BYTES_PER_UNIT[memory[-2:]]


class Toleration(Section):
    """A toleration, which lets Pods onto nodes with a matching taint."""

    key: LabelKey
    """Key of the taint that is tolerated."""
    value: LabelValue | None = None
    """Value of the taint that is tolerated; any value where it is left out."""
    effect: Literal["NoSchedule", "PreferNoSchedule", "NoExecute"] | None = None
    """Effect of the taint that is tolerated; any effect where it is left out."""

    @property
    def of_pod(self) -> dict[str, str]:
        """The toleration as a Pod's spec has it."""
        operator = "Exists" if self.value is None else "Equal"
        return {**self.model_dump(mode="json", exclude_none=True), "operator": operator}


class Nodes(Section):
    """The nodes that a group of Pods may run on."""

    node_selector: NodeSelector = Field({})
    """Labels that a node must have to run these Pods."""
    tolerations: Annotated[tuple[Toleration, ...], Field(max_length=32)] = ()
    """Taints that a node may have and still run these Pods."""


class _Machines(Nodes):
    profile: ProfileName | None = None
    """Profile of the nodes, which the operator's settings describe: `h100-ib`. It adds what such
    nodes need, as extra resources and NCCL's settings; what the job says itself wins. On a laptop
    it has no effect."""


class Head(_Machines):
    """The head Pod of each Ray cluster, which runs the drivers. It never trains."""

    cpus: int = Field(1, ge=1, le=256)
    """CPU cores of the head Pod."""
    memory: Memory = "4Gi"
    """Memory of the head Pod; a driver holds a stage's reports, never its data."""


class Trainers(_Machines):
    """The Pods that train. Each runs one rank per GPU, or one rank where it has no GPU."""

    replicas: int = Field(1, ge=1, le=4096)
    """Number of trainer Pods. On a laptop: number of worker processes, reduced to what the machine
    has."""
    gpus: int = Field(0, ge=0, le=16)
    """GPUs of each trainer Pod, with one rank on each; 0 trains on CPUs."""
    cpus: int = Field(1, ge=1, le=1024)
    """CPU cores of each trainer Pod, at least one per GPU."""
    memory: Memory = "4Gi"
    """Memory of each trainer Pod."""
    spot: bool = False
    """Whether the trainers run on spot machines, which may be taken away. Training then continues
    from its newest checkpoint. The operator's settings say how spot machines are labelled and
    tainted."""

    @property
    def num_workers(self) -> int:
        """Ranks over all replicas."""
        return self.replicas * max(self.gpus, 1)


class Cpus(_Machines):
    """The Pods of the stages that need no GPU."""

    replicas: int = Field(1, ge=1, le=4096)
    """Number of Pods for the stages without GPUs. A laptop counts as all of them."""
    cpus: int = Field(2, ge=1, le=1024)
    """CPU cores of each of these Pods."""
    memory: Memory = "4Gi"
    """Memory of each of these Pods."""


class Compute(Section):
    """The machines that the job runs on. On a laptop all of them are the laptop."""

    head: Head = Head()
    """The head Pod of each Ray cluster, which runs the drivers."""
    trainers: Trainers = Trainers()
    """The Pods of the stages that use GPUs."""
    cpus: Cpus = Cpus()
    """The Pods of the stages that use no GPU."""
    limit_cpus: bool = False
    """Whether the Pods may use no more CPU cores than their `cpus`, for namespaces whose quota asks
    for limits. By default they may use idle cores of their node too."""
