"""Links between neighbouring ranks, and the judgement of their bandwidths. Arithmetic only.

Neighbours are those on the ring 0, 1, ..., N-1, 0. Links inside a node and links between nodes
differ by an order of magnitude, so each kind is compared with itself.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from statistics import median

from llmtrain_api.base import Record

Pair = tuple[int, int]
NOTABLE_RATIO = 0.8
"""Share of the others' median below which a place is reported; two measurements of the same link
differ by less."""


@dataclass(frozen=True)
class Link:
    """A measured link.

    Attributes:
        ranks: the two ranks.
        bandwidth: bytes per second in each direction, both at once.
    """

    ranks: Pair
    bandwidth: float


class Seat(Record):
    """Where a rank runs."""

    node: str
    """Name of the node in Kubernetes, or of the machine."""
    machine: str
    """Name of the machine or Pod that the rank sees."""


@dataclass(frozen=True)
class SlowPlace:
    """A rank or a node whose links are far slower than those of the others.

    Attributes:
        ranks: the rank, or the ranks of the node that have links to other nodes.
        bandwidth: bandwidth of its fastest link, in bytes per second.
        usual: median of the others' fastest links.
    """

    ranks: tuple[int, ...]
    bandwidth: float
    usual: float


def ring_rounds(ranks: int) -> tuple[tuple[Pair, ...], ...]:
    """Pairs of neighbours, in rounds in which each rank has one partner at most.

    Args:
        ranks: number of ranks.
    """
    chain = [(rank, rank + 1) for rank in range(ranks - 1)]
    closing = ((ranks - 1, 0),) if len(chain) > 1 else ()  # two ranks have one link
    even, odd = tuple(chain[::2]), tuple(chain[1::2])
    rounds = (even, odd, closing) if ranks % 2 else (even, odd + closing)
    return tuple(each for each in rounds if each)


def slow_places(
    links: Sequence[Link], machines: Sequence[str], least_ratio: float
) -> tuple[SlowPlace, ...]:
    """The ranks and nodes to blame for slow links.

    A slow rank has slow links only, and its neighbours have a fast one on their other side. So a
    place is as fast as its fastest link. One link alone has nothing to be compared with.

    Args:
        links: links between all neighbours.
        machines: machine of each rank.
        least_ratio: least share of the others' median, 0 to 1.
    """
    inside = [each for each in links if machines[each.ranks[0]] == machines[each.ranks[1]]]
    between = [each for each in links if each not in inside]
    return (
        *_blamed(inside, {rank: str(rank) for rank in range(len(machines))}, least_ratio),
        *_blamed(between, dict(enumerate(machines)), least_ratio),
    )


def slowest_place(links: Sequence[Link], machines: Sequence[str]) -> SlowPlace | None:
    """The place that is the furthest below the median of the others; None where all are alike.

    Args:
        links: links between all neighbours.
        machines: machine of each rank.
    """
    notable = slow_places(links, machines, NOTABLE_RATIO)
    return min(notable, key=lambda each: each.bandwidth / each.usual, default=None)


def _blamed(
    links: Sequence[Link], place_of: Mapping[int, str], least_ratio: float
) -> list[SlowPlace]:
    """The slow places among those that some links of one kind connect."""
    own: dict[str, list[Link]] = {}
    for link in links:
        for rank in link.ranks:
            own.setdefault(place_of[rank], []).append(link)
    best = {place: max(each.bandwidth for each in mine) for place, mine in own.items()}
    slow: dict[str, SlowPlace] = {}
    # At the end of a chain a rank has one link: its slow neighbour, which has two, explains it.
    for place in sorted(own, key=lambda each: (-len(own[each]), best[each])):
        others = [best[each] for each in own if each != place]
        usual = median(others)
        if best[place] >= least_ratio * usual:
            continue
        partners = [{place_of[rank] for rank in each.ranks} - {place} for each in own[place]]
        if all(partner & set(slow) for partner in partners):
            continue
        ranks = {rank for each in own[place] for rank in each.ranks if place_of[rank] == place}
        slow[place] = SlowPlace(tuple(sorted(ranks)), best[place], usual)
    return list(slow.values())
