"""Computes a Pod's price per hour: its share of its node, or the price of its requests."""

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal

from llmtrain_api.cost import CapacityType, PriceSource
from llmtrain_api.spec.compute import Trainers, memory_bytes
from llmtrain_lifecycle.money.nodes import (
    GPU_PRODUCT_LABEL,
    SHARED_GPU,
    ObservedNode,
    capacity_type,
    gpu_product,
    gpu_shares,
)
from llmtrain_lifecycle.money.prices import ANY_GPU, NodePrice, Prices, ResourcePrices, fits

_GIB = 2**30
_EXACT_TO = Decimal("0.000001")


@dataclass(frozen=True)
class Requests:
    """Resources that a Pod requests."""

    cpus: Decimal
    """CPU cores."""
    memory_bytes: Decimal
    gpus: Decimal


@dataclass(frozen=True)
class PodPrice:
    """Price of a Pod."""

    usd_per_hour: Decimal
    """Price in US dollars per hour, to six decimals as in the ledger."""
    capacity_type: CapacityType
    source: PriceSource


def pod_price(
    requests: Requests,
    node: ObservedNode | None,
    prices: Prices,
    *,
    gpu_resource: str,
    profile: str | None = None,
) -> PodPrice:
    """The price of a Pod.

    Args:
        requests: requests of the Pod.
        node: node of the Pod; None if it is unknown.
        prices: the price list.
        gpu_resource: name of the GPU resource.
        profile: profile of the Pod, whose price for the node counts before the others.

    Returns:
        The dominant share of its node's price: the largest of requested / allocatable over CPU,
        memory and GPU, which is what it keeps others from using (Ghodsi et al. 2011). If no price
        fits the node, the sum of its requests at the prices by resource; no price at all if one of
        these is missing, since a part would be taken for the whole.
    """
    labels = node.metadata.labels if node else {}
    capacity = capacity_type(labels)
    fitting = (each.usd_per_hour for each in prices.nodes if fits(each, labels, capacity))
    node_usd = prices.profiles.get(profile or "", next(fitting, None))
    if node is not None and node_usd is not None:
        share = _dominant_share(requests, node.status.allocatable, gpu_resource)
        return _priced(node_usd * share, capacity, PriceSource.NODE)
    usd = resources_price(requests, prices.resources, labels, capacity)
    if usd is not None:
        return _priced(usd, capacity, PriceSource.RESOURCES)
    return _priced(Decimal(0), capacity, PriceSource.NONE)


def resources_price(
    requests: Requests,
    prices: ResourcePrices | None,
    labels: Mapping[str, str],
    capacity: CapacityType,
) -> Decimal | None:
    """Price of a Pod's requests in US dollars per hour; None if one of them has no price.

    Args:
        requests: requests of the Pod.
        prices: prices by resource.
        labels: labels of its node, as far as they are known.
        capacity: capacity type of its node.
    """
    gpu = _gpu_price(prices, labels) if prices and requests.gpus else Decimal(0)
    if prices is None or gpu is None:
        return None
    usd = (
        requests.cpus * prices.cpu_usd_per_hour
        + requests.memory_bytes / _GIB * prices.gib_usd_per_hour
        + requests.gpus * gpu
    )
    return usd * prices.spot_factor if capacity is CapacityType.SPOT else usd


def _gpu_price(prices: ResourcePrices, labels: Mapping[str, str]) -> Decimal | None:
    """Price of one allocatable GPU, which with time slicing is a share of a real one."""
    known, product = prices.gpu_usd_per_hour, labels.get(GPU_PRODUCT_LABEL, "")
    if product.endswith(SHARED_GPU) and product in known:
        return known[product]
    whole = known.get(gpu_product(labels) or ANY_GPU, known.get(ANY_GPU))
    return None if whole is None else whole / gpu_shares(labels)


def _dominant_share(
    requests: Requests, allocatable: Mapping[str, Decimal], gpu_resource: str
) -> Decimal:
    """Share of the node, 0 to 1; a resource that the node does not list yet is left out."""
    asked = {"cpu": requests.cpus, "memory": requests.memory_bytes, gpu_resource: requests.gpus}
    there = {name: allocatable.get(name, Decimal(0)) for name in asked}
    shares = [asked[name] / there[name] for name in asked if there[name] > 0]
    return min(max(shares, default=Decimal(1)), Decimal(1))


def _priced(usd: Decimal, capacity: CapacityType, source: PriceSource) -> PodPrice:
    return PodPrice(usd.quantize(_EXACT_TO), capacity, source)


def expected_usd_per_hour(trainers: Trainers, prices: Prices) -> Decimal | None:
    """Price of all trainers in US dollars per hour.

    Args:
        trainers: trainers of the manifest.
        prices: the price list.

    Returns:
        The price of their profile, or of the nodes that they select if the price list has them,
        with a whole node for each trainer; or else the price of their requests; None if neither is
        known.
    """
    usd_per_node = prices.profiles.get(trainers.profile or "")
    if usd_per_node is not None:
        return trainers.replicas * usd_per_node
    labels = trainers.node_selector
    capacity = CapacityType.SPOT if trainers.spot else capacity_type(labels)
    selected = (each for each in prices.nodes if _can_be_selected(each))
    node = next((each for each in selected if fits(each, labels, capacity)), None)
    if node is not None:
        return trainers.replicas * node.usd_per_hour
    requests = Requests(
        cpus=Decimal(str(trainers.cpus)),
        memory_bytes=Decimal(memory_bytes(trainers.memory)),
        gpus=Decimal(trainers.gpus),
    )
    each = resources_price(requests, prices.resources, labels, capacity)
    return None if each is None else trainers.replicas * each


def _can_be_selected(price: NodePrice) -> bool:
    """Whether a price names its nodes, so that a trainer can select them."""
    return price.instance_type is not None or bool(price.match_labels)
