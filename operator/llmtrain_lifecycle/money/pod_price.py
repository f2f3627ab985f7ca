"""What a Pod costs by the hour: its share of its node, or what it asks for."""

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
        price fits the node, the sum of its requests at the prices by resource. No price at all
        where one of them is missing: a part of it would pass for the whole.
    """
    labels = node.metadata.labels if node else {}
    capacity = capacity_type(labels)
    node_price = next((price for price in prices.nodes if fits(price, labels, capacity)), None)
    if node is not None and node_price is not None:
        share = _dominant_share(requests, node.status.allocatable, gpu_resource)
        return _priced(node_price.usd_per_hour * share, capacity, PriceSource.NODE)
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
    """US dollars an hour for what a Pod asks for; None where something of it has no price.

    Args:
        requests: of the Pod.
        prices: by resource.
        labels: of its node, as far as they are known.
        capacity: of its node.
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
    """Price of one allocatable GPU; with time slicing, that is a share of a real one."""
    known, told = prices.gpu_usd_per_hour, labels.get(GPU_PRODUCT_LABEL, "")
    if told.endswith(SHARED_GPU) and told in known:
        return known[told]
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
    """US dollars an hour of all trainers.

    Args:
        trainers: of the manifest.
        prices: the price list.

    Returns:
        By the nodes that they select where the price list has them, each trainer on one of its
        own; else by what they ask for. None where neither tells.
    """
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
    """Whether it is of some nodes; which of them a trainer gets, a price of all does not tell."""
    return price.instance_type is not None or bool(price.match_labels)
