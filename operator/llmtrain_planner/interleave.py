"""An interleave of several sources by weights, in which any draw is found from its position.

The sources are the leaves of a binary tree. Each node shares its draws between its two sides as a
line of slope `share / total` is drawn on a grid (Bresenham 1965): after `p` draws the first side
has had `p * share / total`, rounded. All numbers are whole, so nothing depends on a machine.
"""

from bisect import bisect_right
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction
from itertools import accumulate
from math import lcm


@dataclass(frozen=True)
class _Node:
    """Two sides that share draws; a side is a node, or the position of a source."""

    first: "_Node | int"
    second: "_Node | int"
    share: int
    """Weight of the first side."""
    total: int
    """Weight of both."""

    def firsts(self, length: int) -> int:
        """Draws of the first side among as many draws of both."""
        return (2 * length * self.share + self.total) // (2 * self.total)


_Tree = _Node | int


@dataclass(frozen=True)
class _Phase:
    """Draws from the same sources, up to the one with which a source reaches its limit."""

    start: int
    """Position of its first draw."""
    before: tuple[int, ...]
    """Draws of each source before it."""
    tree: _Tree


class Interleave:
    """A sequence of draws from sources, in proportion to their weights.

    At any prefix each source has had its share of the draws, less or more than two of them; after
    as many draws as the sum of the weights, in lowest terms, exactly its share. The bound: a side
    of several sources has at most two thirds of its node's weight, so the roundings above a source
    add up to less than `1/2 * (1 + 1 + 2/3 + 4/9 + ...) = 2`.

    A source that has reached its limit leaves its share to the others, in proportion to theirs:
    a new phase begins, in which the same holds for the draws since.

    Args:
        weights: weight of each source, over 0.
        limits: most draws of each source, 1 or more; None for no limit.
    """

    def __init__(self, weights: Sequence[Fraction], limits: Sequence[int | None]) -> None:
        assert len(weights) == len(limits)
        assert min(weights) > 0
        scale = lcm(*(weight.denominator for weight in weights))
        self._weights = [int(weight * scale) for weight in weights]
        self._phases = tuple(self._all_phases(limits))
        self._starts = [phase.start for phase in self._phases]
        self.length = None if None in limits else sum(limit or 0 for limit in limits)
        """All draws; None where a source without a limit goes on for ever."""

    def draw(self, position: int) -> tuple[int, int]:
        """The source of a draw, and the draw's number among those of that source, from 0.

        Args:
            position: place of the draw, from 0; less than `length`.
        """
        phase = self._phase(position)
        tree, place = phase.tree, position - phase.start
        while isinstance(tree, _Node):
            firsts = tree.firsts(place)
            if tree.firsts(place + 1) > firsts:
                tree, place = tree.first, firsts
            else:
                tree, place = tree.second, place - firsts
        return tree, phase.before[tree] + place

    def counts(self, length: int) -> tuple[int, ...]:
        """Draws of each source among the first `length`."""
        phase = self._phase(length)
        counts = list(phase.before)
        for source, count in _counts(phase.tree, length - phase.start):
            counts[source] += count
        return tuple(counts)

    def _phase(self, position: int) -> _Phase:
        return self._phases[bisect_right(self._starts, position) - 1]

    def _all_phases(self, limits: Sequence[int | None]) -> Iterator[_Phase]:
        start, drawn = 0, [0] * len(limits)
        going_on = list(range(len(limits)))
        while going_on:
            tree = _tree(sorted(going_on, key=lambda each: -self._weights[each]), self._weights)
            yield _Phase(start, tuple(drawn), tree)
            left = {each: limit - drawn[each] for each in going_on if (limit := limits[each])}
            if not left:
                return
            length = min(_length_until(tree, source, count) for source, count in left.items())
            for source, count in _counts(tree, length):
                drawn[source] += count
            start += length
            going_on = [each for each in going_on if drawn[each] != limits[each]]


def _tree(sources: Sequence[int], weights: Sequence[int]) -> _Tree:
    """The tree over some sources, the heaviest first: each node is cut nearest to its half."""
    if len(sources) == 1:
        return sources[0]
    sums = list(accumulate(weights[each] for each in sources))
    total = sums[-1]
    cut = min(range(len(sources) - 1), key=lambda place: abs(2 * sums[place] - total))
    first, second = sources[: cut + 1], sources[cut + 1 :]
    return _Node(_tree(first, weights), _tree(second, weights), sums[cut], total)


def _counts(tree: _Tree, length: int) -> Iterator[tuple[int, int]]:
    """Draws of each source among the first `length` of a tree."""
    if isinstance(tree, int):
        yield tree, length
        return
    firsts = tree.firsts(length)
    yield from _counts(tree.first, firsts)
    yield from _counts(tree.second, length - firsts)


def _length_until(tree: _Tree, source: int, count: int) -> int:
    """The least draws of a tree in which a source has `count`; 0 where it is not in the tree."""
    if isinstance(tree, int):
        return count if tree == source else 0
    if firsts := _length_until(tree.first, source, count):
        return -(-tree.total * (2 * firsts - 1) // (2 * tree.share))
    if seconds := _length_until(tree.second, source, count):
        return tree.total * (2 * seconds - 1) // (2 * (tree.total - tree.share)) + 1
    return 0
