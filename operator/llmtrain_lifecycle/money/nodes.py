"""The part of a Kubernetes node that determines its price."""

import re
from collections.abc import Mapping
from decimal import Decimal
from typing import Annotated

from pydantic import BeforeValidator, Field

from llmtrain_api.cost import CapacityType
from llmtrain_lifecycle.observed import Observed

_NUMBER = r"[+-]?(?:[0-9]{1,30}(?:\.[0-9]{0,30})?|\.[0-9]{1,30})"
"""Decimal context with enough digits: Kubernetes caps a quantity at 2^63 - 1."""
_QUANTITY = re.compile(rf"({_NUMBER})([eE][+-]?[0-9]{{1,2}}|[numkMGTPE]|[KMGTPE]i)?")
_FACTORS = {
    "n": Decimal("1e-9"),
    "u": Decimal("1e-6"),
    "m": Decimal("1e-3"),
    **{unit: Decimal(1000) ** power for power, unit in enumerate("kMGTPE", start=1)},
    **{f"{unit}i": Decimal(1024) ** power for power, unit in enumerate("KMGTPE", start=1)},
}


def quantity(text: str) -> Decimal:
    """The exact number of a quantity.

    The form: https://kubernetes.io/docs/reference/kubernetes-api/common-definitions/quantity/

    Raises:
        ValueError: it is none.
    """
    match = _QUANTITY.fullmatch(text)
    if match is None:
        raise ValueError(f"{text!r} is no quantity")
    number, suffix = match.groups(default="")
    if suffix in _FACTORS:
        return Decimal(number) * _FACTORS[suffix]
    return Decimal(number + suffix)


INSTANCE_TYPE_LABEL = "node.kubernetes.io/instance-type"
GPU_PRODUCT_LABEL = "nvidia.com/gpu.product"
_GPU_SHARES_LABEL = "nvidia.com/gpu.replicas"
SHARED_GPU = "-SHARED"
"""Suffix of NVIDIA's product label on nodes whose GPUs are time-sliced among Pods."""
_SPOT_LABELS = {
    "karpenter.sh/capacity-type": "spot",
    "eks.amazonaws.com/capacityType": "SPOT",
    "cloud.google.com/gke-spot": "true",
    "cloud.google.com/gke-preemptible": "true",
    "kubernetes.azure.com/scalesetpriority": "spot",
}


class _NodeMeta(Observed):
    name: str
    labels: dict[str, str] = Field(default_factory=dict)


class _NodeStatus(Observed):
    allocatable: dict[str, Annotated[Decimal, BeforeValidator(quantity)]] = Field(
        default_factory=dict
    )


class ObservedNode(Observed):
    """A node from the API server."""

    metadata: _NodeMeta
    status: _NodeStatus = _NodeStatus()


def capacity_type(labels: Mapping[str, str]) -> CapacityType:
    """The capacity type of a node with these labels; on demand unless a label says spot."""
    spot = any(labels.get(label) == value for label, value in _SPOT_LABELS.items())
    return CapacityType.SPOT if spot else CapacityType.ON_DEMAND


def gpu_product(labels: Mapping[str, str]) -> str | None:
    """The GPU product of a node with these labels; None if it is not known."""
    product = labels.get(GPU_PRODUCT_LABEL)
    return product and product.removesuffix(SHARED_GPU)


def gpu_shares(labels: Mapping[str, str]) -> int:
    """Number of time slices of each GPU on a node with these labels."""
    slices = labels.get(_GPU_SHARES_LABEL, "")
    return max(int(slices), 1) if slices.isdecimal() else 1
