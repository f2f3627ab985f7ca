"""The part of a Kubernetes node that its price rests on."""

from collections.abc import Mapping

from pydantic import BaseModel, ConfigDict, Field

from llmtrain_api.cost import CapacityType

INSTANCE_TYPE_LABEL = "node.kubernetes.io/instance-type"
GPU_PRODUCT_LABEL = "nvidia.com/gpu.product"
_SPOT_LABELS = {
    "karpenter.sh/capacity-type": "spot",
    "eks.amazonaws.com/capacityType": "SPOT",
    "cloud.google.com/gke-spot": "true",
    "cloud.google.com/gke-preemptible": "true",
    "kubernetes.azure.com/scalesetpriority": "spot",
}


class _Observed(BaseModel):
    model_config = ConfigDict(extra="ignore", frozen=True)


class _NodeMeta(_Observed):
    name: str
    labels: dict[str, str] = Field(default_factory=dict)


class _NodeStatus(_Observed):
    allocatable: dict[str, str] = Field(default_factory=dict)


class ObservedNode(_Observed):
    """A node, as the API server tells of it."""

    metadata: _NodeMeta
    status: _NodeStatus = _NodeStatus()


def capacity_type(labels: Mapping[str, str]) -> CapacityType:
    """Whether a node with these labels is a spot machine; on demand where none says so."""
    spot = any(labels.get(label) == value for label, value in _SPOT_LABELS.items())
    return CapacityType.SPOT if spot else CapacityType.ON_DEMAND
