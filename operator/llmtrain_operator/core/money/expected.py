"""What a cluster is going to cost, before there is one."""

from decimal import Decimal

from llmtrain_api.cost import CapacityType
from llmtrain_api.spec.compute import Trainers, memory_bytes
from llmtrain_operator.core.money.pod_price import Requests, resources_price
from llmtrain_operator.core.money.prices import ANY_GPU, Prices


def expected_usd_per_hour(trainers: Trainers, prices: Prices) -> Decimal | None:
    """US dollars an hour of all trainers, by what they ask for.

    Args:
        trainers: of the manifest.
        prices: the price list.

    Returns:
        None where there are no prices by resource: which node a Pod gets is not known yet.
    """
    if prices.resources is None:
        return None
    capacity = CapacityType.SPOT if trainers.spot else CapacityType.ON_DEMAND
    requests = Requests(
        cpus=Decimal(str(trainers.cpus)),
        memory_bytes=Decimal(memory_bytes(trainers.memory)),
        gpus=Decimal(trainers.gpus),
    )
    each = resources_price(requests, prices.resources, ANY_GPU, capacity)
    return trainers.replicas * each
