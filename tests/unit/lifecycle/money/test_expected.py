"""What a cluster is expected to cost before it has any Pod."""

from decimal import Decimal

import pytest

from llmtrain_api.spec.compute import Trainers
from llmtrain_lifecycle.money.pod_price import expected_usd_per_hour
from llmtrain_lifecycle.money.prices import Prices

_NODES = [
    {"usdPerHour": 7},
    {"instanceType": "p5", "capacityType": "spot", "usdPerHour": 30},
    {"instanceType": "p5", "usdPerHour": 100},
    {"matchLabels": {"pool": "owned"}, "usdPerHour": 10},
]
_RESOURCES = {"cpuUsdPerHour": 1, "gpuUsdPerHour": {"H100": 4}}
_P5 = {"node.kubernetes.io/instance-type": "p5"}
_H100 = {"nvidia.com/gpu.product": "H100"}


@pytest.mark.parametrize(
    ("prices", "selector", "spot", "usd"),
    [
        ({"nodes": _NODES}, _P5, False, 200),
        ({"nodes": _NODES}, _P5, True, 60),
        ({"nodes": _NODES}, {"pool": "owned"}, False, 20),
        ({"nodes": _NODES}, {}, False, None),
        ({"nodes": _NODES, "resources": _RESOURCES}, _P5, False, 200),
        ({"nodes": _NODES, "resources": _RESOURCES}, _H100, False, 2 * (3 + 8 * 4)),
        ({"resources": _RESOURCES}, {}, False, None),
        ({"resources": {"gpuUsdPerHour": {"*": 2}}}, {}, False, 2 * 8 * 2),
        ({}, _P5, False, None),
    ],
    ids=[
        "a node",
        "spot",
        "a label",
        "any node",
        "a node before resources",
        "a kind of GPU",
        "an unknown GPU",
        "any GPU",
        "no prices",
    ],
)
def test_what_is_expected(
    *, prices: dict[str, object], selector: dict[str, str], spot: bool, usd: int | None
) -> None:
    trainers = Trainers(replicas=2, gpus=8, cpus=3, spot=spot, node_selector=selector)
    expected = expected_usd_per_hour(trainers, Prices.model_validate(prices))
    assert expected == (None if usd is None else Decimal(usd))


@pytest.mark.parametrize(("profile", "usd"), [("h100-ib", 150), ("other", 200), (None, 200)])
def test_a_profile_with_a_price_counts_as_a_node_of_that_price(
    profile: str | None, usd: int
) -> None:
    prices = Prices.model_validate({"nodes": _NODES, "profiles": {"h100-ib": 75}})
    trainers = Trainers(replicas=2, gpus=8, cpus=8, node_selector=_P5, profile=profile)
    assert expected_usd_per_hour(trainers, prices) == usd
