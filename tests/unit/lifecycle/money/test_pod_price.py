"""What a Pod costs by the hour."""

from decimal import Decimal

import pytest

from llmtrain_api.cost import CapacityType, PriceSource
from llmtrain_lifecycle.money.nodes import ObservedNode, quantity
from llmtrain_lifecycle.money.pod_price import PodPrice, Requests, pod_price
from llmtrain_lifecycle.money.prices import Prices

_GPU = "nvidia.com/gpu"
_GIB = Decimal(2**30)
_PRICES = Prices.model_validate(
    {
        "nodes": [
            {"instanceType": "big", "capacityType": "spot", "usdPerHour": "30"},
            {"instanceType": "big", "usdPerHour": "100"},
            {"matchLabels": {"pool": "owned"}, "usdPerHour": "10"},
        ],
        "resources": {
            "cpuUsdPerHour": "0.05",
            "gibUsdPerHour": "0.01",
            "gpuUsdPerHour": {"H100": "4", "*": "1"},
            "spotFactor": "0.5",
        },
    }
)


def _node(labels: dict[str, str]) -> ObservedNode:
    allocatable = {"cpu": "100", "memory": "1000Gi", _GPU: "8"}
    return ObservedNode.model_validate(
        {"metadata": {"name": "n", "labels": labels}, "status": {"allocatable": allocatable}}
    )


@pytest.mark.parametrize(
    ("labels", "requests", "usd", "capacity", "source"),
    [
        ({"node.kubernetes.io/instance-type": "big"}, (10, 100, 4), 50, "onDemand", "node"),
        ({"node.kubernetes.io/instance-type": "big"}, (80, 100, 4), 80, "onDemand", "node"),
        ({"node.kubernetes.io/instance-type": "big"}, (1, 900, 0), 90, "onDemand", "node"),
        (
            {
                "node.kubernetes.io/instance-type": "big",
                "cloud.google.com/gke-spot": "true",
            },
            (10, 100, 8),
            30,
            "spot",
            "node",
        ),
        ({"pool": "owned"}, (50, 0, 0), 5, "onDemand", "node"),
        ({}, (2, 10, 2), "2.2", "onDemand", "resources"),
        ({"nvidia.com/gpu.product": "H100"}, (2, 10, 2), "8.2", "onDemand", "resources"),
        ({"eks.amazonaws.com/capacityType": "SPOT"}, (2, 10, 0), "0.1", "spot", "resources"),
    ],
)
def test_price(
    labels: dict[str, str],
    requests: tuple[int, int, int],
    usd: object,
    capacity: str,
    source: str,
) -> None:
    cpus, gib, gpus = map(Decimal, requests)
    asked = Requests(cpus=cpus, memory_bytes=gib * _GIB, gpus=gpus)
    expected = PodPrice(Decimal(str(usd)), CapacityType(capacity), PriceSource(source))
    assert pod_price(asked, _node(labels), _PRICES, gpu_resource=_GPU) == expected


_NO_STAR = Prices.model_validate(
    {"resources": {"cpuUsdPerHour": "0.05", "gpuUsdPerHour": {"H100": "4"}}}
)


@pytest.mark.parametrize("labels", [{}, {"nvidia.com/gpu.product": "A100"}], ids=["none", "other"])
def test_a_gpu_without_a_price_is_not_priced_by_its_cores_alone(labels: dict[str, str]) -> None:
    asked = Requests(cpus=Decimal(96), memory_bytes=_GIB, gpus=Decimal(8))
    price = pod_price(asked, _node(labels), _NO_STAR, gpu_resource=_GPU)
    assert (price.usd_per_hour, price.source) == (0, PriceSource.NONE)
    without = Requests(cpus=Decimal(96), memory_bytes=_GIB, gpus=Decimal(0))
    assert pod_price(without, _node(labels), _NO_STAR, gpu_resource=_GPU).usd_per_hour > 0


@pytest.mark.parametrize(
    ("listed", "usd"), [({"H100": 4}, 1), ({"H100": 4, "H100-SHARED": 3}, 3), ({"*": 2}, "0.5")]
)
def test_a_gpu_on_which_pods_take_turns_costs_each_a_share(
    listed: dict[str, int], usd: object
) -> None:
    prices = Prices.model_validate({"resources": {"gpuUsdPerHour": listed}})
    node = _node({"nvidia.com/gpu.product": "H100-SHARED", "nvidia.com/gpu.replicas": "4"})
    asked = Requests(cpus=Decimal(1), memory_bytes=_GIB, gpus=Decimal(1))
    price = pod_price(asked, node, prices, gpu_resource=_GPU)
    assert price.usd_per_hour == Decimal(str(usd))


@pytest.mark.parametrize(
    ("profile", "usd", "source"),
    [("h100-ib", 25, "node"), ("owned", 50, "node"), (None, 50, "node")],
)
def test_the_price_of_a_profile_counts_before_those_of_nodes(
    profile: str | None, usd: int, source: str
) -> None:
    prices = Prices.model_validate(
        {"nodes": [{"usdPerHour": 100}], "profiles": {"h100-ib": 50}, "resources": {}}
    )
    asked = Requests(cpus=Decimal(10), memory_bytes=_GIB, gpus=Decimal(4))
    price = pod_price(asked, _node({}), prices, gpu_resource=_GPU, profile=profile)
    assert (price.usd_per_hour, price.source) == (usd, PriceSource(source))
    unknown = pod_price(asked, None, prices, gpu_resource=_GPU, profile=profile)
    assert unknown.source is PriceSource.NONE, "the share of an unknown node is unknown"


def test_a_pod_without_any_price_is_free_and_says_so() -> None:
    asked = Requests(cpus=Decimal(1), memory_bytes=_GIB, gpus=Decimal(0))
    nodes_only = Prices.model_validate({"nodes": [{"instanceType": "big", "usdPerHour": 1}]})
    price = pod_price(asked, _node({}), nodes_only, gpu_resource=_GPU)
    assert (price.usd_per_hour, price.source) == (0, PriceSource.NONE)


@pytest.mark.parametrize(
    ("text", "number"),
    [
        ("96", 96),
        ("500m", "0.5"),
        ("1.5", "1.5"),
        ("2Gi", 2**31),
        ("3k", 3000),
        ("1e3", 1000),
        ("250u", "0.00025"),
        ("2E", 2 * 10**18),
    ],
)
def test_quantity(text: str, number: object) -> None:
    assert quantity(text) == Decimal(str(number))


@pytest.mark.parametrize(
    "text", ["", "GiB", "1 Gi", "--1", "1.2.3", ".", "1e999999999", "9" * 5000]
)
def test_no_quantity(text: str) -> None:
    with pytest.raises(ValueError, match="is no quantity"):
        quantity(text)
