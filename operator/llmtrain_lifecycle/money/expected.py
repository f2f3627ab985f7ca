"""What a cluster is going to cost, before there is one."""

from decimal import Decimal

from llmtrain_api.cost import CapacityType
from llmtrain_api.spec.compute import Trainers, memory_bytes
from llmtrain_lifecycle.money.nodes import capacity_type
from llmtrain_lifecycle.money.pod_price import Requests, resources_price
from llmtrain_lifecycle.money.prices import NodePrice, Prices, fits


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
