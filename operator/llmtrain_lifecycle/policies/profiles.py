"""Profiles: what a kind of node needs of the Pods on it, and the rule that a job names a known one.

The platform team describes a profile once, in the operator's settings; jobs name it.
"""

from collections.abc import Mapping
from typing import Annotated, Any

from pydantic import BeforeValidator, Field, StringConstraints

from llmtrain_api.base import listed, written
from llmtrain_api.spec.compute import Compute, Memory, Nodes
from llmtrain_api.spec.environment import Environment
from llmtrain_api.spec.kubernetes import Annotations, ObjectName
from llmtrain_lifecycle.snapshot import Obstacle

_ResourceName = Annotated[
    str,
    StringConstraints(
        max_length=317,
        pattern=r"^(hugepages-[1-9][0-9]*[KMG]i|[a-z0-9][-a-z0-9.]*/[A-Za-z0-9][-A-Za-z0-9_.]*)$",
    ),
    written("a resource beside CPUs and memory, such as rdma/ib or hugepages-2Mi"),
]
_Quantity = Annotated[
    str,
    BeforeValidator(lambda value: str(value) if type(value) is int else value),
    StringConstraints(max_length=16, pattern=r"^[1-9][0-9]*([KMGT]i)?$"),
    written("a whole number, perhaps of Mi or Gi, such as 1 or 512Mi"),
]


class Profile(Nodes):
    """What a kind of node needs of the Pods on it. What a job itself says wins over it."""

    resources: dict[_ResourceName, _Quantity] = Field({}, max_length=16)
    """Resources that each Pod gets beside CPUs, memory and GPUs: requests and limits."""
    environment: Environment = ()
    """Environment variables, such as NCCL's."""
    shared_memory: Memory | None = None
    """Size of `/dev/shm`, which counts as memory of the Pod; KubeRay's choice by default."""
    runtime_class_name: ObjectName | None = None
    """RuntimeClass of the Pods."""
    scheduler_name: ObjectName | None = None
    """Scheduler of the Pods; the cluster's default where it is left out."""
    affinity: dict[str, Any] = Field({})
    """Affinity of the Pods, as in a Pod. A term about Pods without `labelSelector` is about those
    of the same job."""
    topology_spread_constraints: tuple[dict[str, Any], ...] = ()
    """Topology spread constraints, as in a Pod. One without `labelSelector` counts the Pods of the
    same job."""
    least_bandwidth_ratio: float | None = Field(None, ge=0, le=1)
    """Least bandwidth of a rank's links, as a share of the others' median, before the first step;
    0 judges nothing. By default 0.5 with GPUs, and nothing is judged without."""
    annotations: Annotations = Field({})
    """Annotations of the Pods, such as the networks of multus."""


def profile_obstacle(compute: Compute, profiles: Mapping[str, Profile]) -> Obstacle | None:
    """The obstacle to a job's Ray cluster in the profiles that it names; None if all are known.

    Args:
        compute: compute of the job.
        profiles: profiles of the operator's settings, by name.
    """
    for section in ("head", "trainers", "cpus"):
        name = getattr(compute, section).profile
        if name is not None and name not in profiles:
            known = listed(tuple(sorted(profiles)) or ("none",), "and")
            return Obstacle(
                "UnknownProfile",
                f"compute.{section}.profile: there is no profile {name} on this cluster; there "
                f"are: {known} (the chart's value trainer.profiles)",
            )
    return None
