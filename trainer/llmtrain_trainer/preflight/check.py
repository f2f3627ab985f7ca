"""The check of a worker group before its first step: the links between its ranks."""

import logging
import platform

from pydantic import TypeAdapter

from llmtrain_api.run_config import RunConfig
from llmtrain_api.training_metrics import TrainingMetrics
from llmtrain_trainer.errors import UnfitNodeError
from llmtrain_trainer.preflight.gpus import own_node
from llmtrain_trainer.preflight.links import Link, Seat, SlowPlace, slow_places, slowest_place
from llmtrain_trainer.preflight.measure import give_memory_back, measure_all_reduce, measure_links
from llmtrain_trainer.stage import StageContext
from llmtrain_trainer.training.mesh import Ranks

_log = logging.getLogger(__name__)
_SEAT = TypeAdapter(Seat)
_GIGA = 1e9
RATIO_OF_GPUS = 0.5
"""Least share of the others' median where no profile names one; on CPUs nothing is judged then."""


def check_group(context: StageContext) -> None:
    """Measure and judge the links of the group, which the launcher made. Collective.

    Raises:
        UnfitNodeError: links of a rank or node are far slower than those of the others.
    """
    ranks = Ranks()
    if ranks.size == 1:
        return
    context.progress.update(activity="measuring the links between workers")
    seats = ranks.gather(Seat(node=own_node(), machine=platform.node()), _SEAT)
    machines = [each.machine for each in seats]
    bandwidth, links = measure_all_reduce(ranks), measure_links(ranks)
    give_memory_back()
    slowest = min(links, key=lambda each: each.bandwidth)
    if ranks.rank == 0:
        _log.info(
            "bus bandwidth of %d ranks: %.2f GB/s; slowest link: %s",
            ranks.size,
            bandwidth / _GIGA,
            _described(slowest, seats),
        )
    place = slowest_place(links, machines)
    context.progress.log(
        TrainingMetrics(
            bus_bandwidth=bandwidth,
            slowest_link_bandwidth=slowest.bandwidth,
            slowest_rank=None if place is None else place.ranks[0],
            slowest_node=None if place is None else seats[place.ranks[0]].node,
        )
    )
    slow = slow_places(links, machines, least_ratio(context.config))
    if slow:
        raise UnfitNodeError("; ".join(_blame(each, seats) for each in slow))


def least_ratio(config: RunConfig) -> float:
    """Least share of the others' median bandwidth, 0 to 1; 0 judges nothing."""
    if config.least_bandwidth_ratio is not None:
        return config.least_bandwidth_ratio
    return RATIO_OF_GPUS if config.workers.gpus else 0.0


def _described(link: Link, seats: list[Seat]) -> str:
    ends = " and ".join(f"rank {rank} on node {seats[rank].node}" for rank in link.ranks)
    return f"{link.bandwidth / _GIGA:.2f} GB/s between {ends}"


def _blame(slow: SlowPlace, seats: list[Seat]) -> str:
    ranks = " and ".join(f"rank {rank}" for rank in slow.ranks)
    return (
        f"{ranks} on node {seats[slow.ranks[0]].node}: its fastest link to a neighbour has "
        f"{slow.bandwidth / _GIGA:.3g} GB/s, where the median of the others is "
        f"{slow.usual / _GIGA:.3g} GB/s. Look at that node; the profile's leastBandwidthRatio "
        "says what is too slow"
    )
