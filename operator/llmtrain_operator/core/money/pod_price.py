"""What a Pod costs by the hour: its share of its node, or what it asks for."""

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal

from llmtrain_api.cost import CapacityType, PriceSource
from llmtrain_operator.core.money.nodes import (
    GPU_PRODUCT_LABEL,
    INSTANCE_TYPE_LABEL,
    ObservedNode,
    capacity_type,
)
from llmtrain_operator.core.money.prices import ANY_GPU, NodePrice, Prices, ResourcePrices
from llmtrain_operator.core.money.quantities import quantity

_GIB = 2**30
_EXACT_TO = Decimal("0.000001")


@dataclass(frozen=True)
class Requests:
    """What a Pod asks for."""

    cpus: Decimal
    """Cores."""
    memory_bytes: Decimal
    gpus: Decimal


@dataclass(frozen=True)
class PodPrice:
    """What a Pod costs."""

    usd_per_hour: Decimal
    """To six decimals, as the ledger shows it."""
    capacity_type: CapacityType
    source: PriceSource


def pod_price(
    requests: Requests, node: ObservedNode | None, prices: Prices, *, gpu_resource: str
) -> PodPrice:
    """The price of a Pod.

    Args:
        requests: of the Pod.
        node: that it runs on; None where nothing is known of it.
        prices: the price list.
        gpu_resource: the resource that counts GPUs.

    Returns:
        The dominant share of its node's price: the largest of requested / allocatable over CPU,
        memory and GPU, which is what it keeps others from using (Ghodsi et al. 2011). Where no
        price fits the node, the sum of its requests at the prices by resource.
    """
    labels = node.metadata.labels if node else {}
    capacity = capacity_type(labels)
    node_price = fitting_price(prices, labels)
    if node is not None and node_price is not None:
        share = _dominant_share(requests, node.status.allocatable, gpu_resource)
        return _priced(node_price.usd_per_hour * share, capacity, PriceSource.NODE)
    if prices.resources is not None:
        product = labels.get(GPU_PRODUCT_LABEL, ANY_GPU)
        usd = resources_price(requests, prices.resources, product, capacity)
        return _priced(usd, capacity, PriceSource.RESOURCES)
    return _priced(Decimal(0), capacity, PriceSource.NONE)


def fitting_price(prices: Prices, labels: Mapping[str, str]) -> NodePrice | None:
    """The first price that fits a node with these labels."""
    return next((price for price in prices.nodes if _fits(price, labels)), None)


def resources_price(
    requests: Requests, prices: ResourcePrices, gpu_product: str, capacity: CapacityType
) -> Decimal:
    """US dollars an hour for what a Pod asks for, at the prices by resource."""
    gpu_prices = prices.gpu_usd_per_hour
    gpu = gpu_prices.get(gpu_product, gpu_prices.get(ANY_GPU, Decimal(0)))
    usd = (
        requests.cpus * prices.cpu_usd_per_hour
        + requests.memory_bytes / _GIB * prices.gib_usd_per_hour
        + requests.gpus * gpu
    )
    return usd * prices.spot_factor if capacity is CapacityType.SPOT else usd


def _fits(price: NodePrice, labels: Mapping[str, str]) -> bool:
    if price.instance_type not in {None, labels.get(INSTANCE_TYPE_LABEL)}:
        return False
    if price.capacity_type not in {None, capacity_type(labels)}:
        return False
    return price.match_labels.items() <= labels.items()


def _dominant_share(
    requests: Requests, allocatable: Mapping[str, str], gpu_resource: str
) -> Decimal:
    """Of 1; a resource that the node does not tell of, as while its driver starts, is left out."""
    asked = {"cpu": requests.cpus, "memory": requests.memory_bytes, gpu_resource: requests.gpus}
    there = {name: quantity(allocatable.get(name, "0")) for name in asked}
    shares = [asked[name] / there[name] for name in asked if there[name] > 0]
    return min(max(shares, default=Decimal(1)), Decimal(1))


def _priced(usd: Decimal, capacity: CapacityType, source: PriceSource) -> PodPrice:
    return PodPrice(usd.quantize(_EXACT_TO), capacity, source)
