"""The price list for machines."""

from collections.abc import Mapping
from decimal import Decimal
from typing import Annotated

from pydantic import Field, StringConstraints

from llmtrain_api.base import Section
from llmtrain_api.cost import CapacityType
from llmtrain_api.spec.kubernetes import ProfileName
from llmtrain_lifecycle.money.nodes import INSTANCE_TYPE_LABEL

ANY_GPU = "*"
_Price = Annotated[Decimal, Field(ge=0, le=1_000_000, max_digits=16, decimal_places=6)]
_Label = Annotated[str, StringConstraints(min_length=1, max_length=317)]


class NodePrice(Section):
    """The price of a whole node. An absent field matches every node."""

    instance_type: Annotated[str, StringConstraints(min_length=1, max_length=63)] | None = None
    """Value of the label `node.kubernetes.io/instance-type`."""
    capacity_type: CapacityType | None = None
    """Capacity type, by the labels of Karpenter and the clouds."""
    match_labels: dict[_Label, str] = Field({}, max_length=32)
    """Labels of the node."""
    usd_per_hour: _Price
    """Price in US dollars per hour."""


class ResourcePrices(Section):
    """Prices of requests, for Pods on nodes without a matching price."""

    cpu_usd_per_hour: _Price = Decimal(0)
    """Price of a CPU core."""
    gib_usd_per_hour: _Price = Decimal(0)
    """Price of a GiB of memory."""
    gpu_usd_per_hour: dict[_Label, _Price] = Field({}, max_length=64)
    """Price of a GPU, by the node's label `nvidia.com/gpu.product`; `*` stands for every other. A
    Pod whose GPU is not listed has no price."""
    spot_factor: Annotated[Decimal, Field(gt=0, le=1)] = Decimal(1)
    """Factor of these prices on spot machines."""


class Prices(Section):
    """All prices. Without any, no costs are computed."""

    nodes: tuple[NodePrice, ...] = ()
    """Prices of whole nodes; the first that matches counts."""
    profiles: dict[ProfileName, _Price] = Field({}, max_length=64)
    """Prices of whole nodes, by the profile of the Pods on them; they count before `nodes`."""
    resources: ResourcePrices | None = None
    """Prices of requests, for all other nodes."""

    @property
    def known(self) -> bool:
        """Whether there is any price."""
        return bool(self.nodes or self.profiles) or self.resources is not None


def fits(price: NodePrice, labels: Mapping[str, str], capacity: CapacityType) -> bool:
    """Whether a price matches a node with these labels."""
    if price.instance_type not in {None, labels.get(INSTANCE_TYPE_LABEL)}:
        return False
    if price.capacity_type not in {None, capacity}:
        return False
    return price.match_labels.items() <= labels.items()
