"""What a job computes on."""

from typing import Annotated, Literal

from pydantic import Field, StringConstraints

from llmtrain_api.base import Section, written
from llmtrain_api.spec.kubernetes import LabelKey, LabelValue, NodeSelector

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
    """Lets Pods onto nodes with a taint."""

    key: LabelKey
    """Of the taint."""
    value: LabelValue | None = None
    """Of the taint; any where it is left out."""
    effect: Literal["NoSchedule", "PreferNoSchedule", "NoExecute"] | None = None
    """Of the taint; any where it is left out."""


class Nodes(Section):
    """Which nodes Pods may run on."""

    node_selector: NodeSelector = Field({})
    """Labels that a node must have."""
    tolerations: Annotated[tuple[Toleration, ...], Field(max_length=32)] = ()
    """Taints that a node may have."""


class Head(Nodes):
    """The machine that the drivers run on. It never trains."""

    cpus: int = Field(1, ge=1, le=256)
    """CPU cores."""
    memory: Memory = "4Gi"
    """Memory: a driver holds a stage's reports, never its data."""


class Trainers(Nodes):
    """The machines that train: each holds `gpus` ranks, or one rank where it has no GPU."""

    replicas: int = Field(1, ge=1, le=4096)
    """Number of trainer Pods. On a laptop: worker processes, reduced to what the machine has."""
    gpus: int = Field(0, ge=0, le=16)
    """GPUs of each replica; one rank runs on each. 0 trains on the CPU."""
    cpus: int = Field(1, ge=1, le=1024)
    """CPU cores of each replica, one for each of its GPUs at least."""
    memory: Memory = "4Gi"
    """Memory of each replica."""
    spot: bool = False
    """Whether they run on spot machines, which may be taken away: each time that happens, training
    goes on from its newest checkpoint. The operator's settings say how such machines are labelled
    and tainted."""

    @property
    def num_workers(self) -> int:
        """Ranks over all replicas."""
        return self.replicas * max(self.gpus, 1)


class Cpus(Nodes):
    """The machines for the stages that need no GPU: data and tokenizer."""

    replicas: int = Field(1, ge=1, le=4096)
    """Number of Pods. On a laptop all of them are the laptop."""
    cpus: int = Field(2, ge=1, le=1024)
    """CPU cores of each replica."""
    memory: Memory = "4Gi"
    """Memory of each replica."""


class Compute(Section):
    """What a job computes on; on a laptop all of it is the laptop."""

    head: Head = Head()
    """Of each Ray cluster; the drivers run on it."""
    trainers: Trainers = Trainers()
    """For the stages that train."""
    cpus: Cpus = Cpus()
    """For the data and tokenizer stages: they hold no GPU."""
