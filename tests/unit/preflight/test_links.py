"""Links between neighbours: who measures with whom, and who is blamed."""

import pytest

from llmtrain_trainer.preflight.links import Link, ring_rounds, slow_places, slowest_place
from llmtrain_trainer.preflight.measure import bus_bandwidth

_FAST, _NETWORK, _SLOW = 300.0, 40.0, 1.0


@pytest.mark.parametrize("ranks", [*range(1, 10), 64])
def test_every_neighbour_is_met_once_and_nobody_twice_in_a_round(ranks: int) -> None:
    rounds = ring_rounds(ranks)
    for pairs in rounds:
        busy = [rank for pair in pairs for rank in pair]
        assert len(busy) == len(set(busy))
    met = sorted(tuple(sorted(pair)) for pairs in rounds for pair in pairs)
    ring = {tuple(sorted((rank, (rank + 1) % ranks))) for rank in range(ranks)}
    assert met == sorted(ring if ranks > 1 else ())


def _machines(nodes: int, gpus: int) -> list[str]:
    return [f"n{node}" for node in range(nodes) for _ in range(gpus)]


def _links(machines: list[str], slow: set[int], slow_pairs: set[tuple[int, int]]) -> list[Link]:
    return [
        Link(
            (a, b),
            _SLOW
            if slow & {a, b} or (a, b) in slow_pairs
            else (_FAST if machines[a] == machines[b] else _NETWORK),
        )
        for pairs in ring_rounds(len(machines))
        for a, b in pairs
    ]


@pytest.mark.parametrize(
    ("nodes", "gpus", "slow", "slow_pairs", "blamed"),
    [
        (4, 1, set(), set(), []),
        (1, 2, {0}, set(), []),  # one link has nothing to be compared with
        (1, 3, {1}, set(), [(1,)]),
        (1, 4, {0}, set(), [(0,)]),
        (3, 1, {2}, set(), [(2,)]),
        (5, 1, {1}, set(), [(1,)]),
        (2, 8, {1}, set(), [(1,)]),  # rank 0 has no link but that to rank 1
        (2, 8, {0, 5}, set(), [(5,), (0,)]),
        (4, 1, set(), {(1, 2)}, []),  # a link alone: both ends have a fast one
        (2, 8, set(), set(), []),  # the network is slower than NVLink everywhere
        (3, 4, set(), {(3, 4), (7, 8)}, [(4, 7)]),  # the network of the second node
    ],
)
def test_a_place_is_blamed_if_its_fastest_link_is_slow(
    nodes: int,
    gpus: int,
    slow: set[int],
    slow_pairs: set[tuple[int, int]],
    blamed: list[tuple[int, ...]],
) -> None:
    machines = _machines(nodes, gpus)
    links = _links(machines, slow, slow_pairs)
    assert [each.ranks for each in slow_places(links, machines, 0.5)] == blamed
    assert slow_places(links, machines, 0.0) == ()


def test_the_ratio_is_a_share_of_the_median_of_the_others() -> None:
    machines = _machines(3, 1)
    links = [Link((0, 1), 4.9), Link((1, 2), 4.0), Link((2, 0), 10.0)]
    (slow,) = slow_places(links, machines, 0.5)
    assert (slow.ranks, slow.bandwidth, slow.usual) == ((1,), 4.9, 10.0)
    assert slow_places(links, machines, 0.49) == ()


def test_the_slowest_place_is_told_of_where_it_is_far_from_the_others() -> None:
    machines = _machines(2, 8)
    links = _links(machines, {1, 9}, set())
    links = [Link(each.ranks, 0.5 if 9 in each.ranks else each.bandwidth) for each in links]
    slowest = slowest_place(links, machines)
    assert slowest is not None
    assert slowest.ranks == (9,)
    alike = [Link((0, 1), 9.0), Link((1, 2), 8.5), Link((2, 3), 10.0), Link((3, 0), 8.0)]
    assert slowest_place(alike, _machines(4, 1)) is None
    assert slowest_place([Link((0, 1), 1.0)], _machines(1, 2)) is None


def test_the_bus_bandwidth_is_that_of_the_tests_of_nccl() -> None:
    assert bus_bandwidth(8 * 10**9, 2.0, ranks=4) == 6e9
