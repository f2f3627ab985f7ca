"""The search for the largest micro batch that fits, in at most three tries."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

MOST_TRIES = 3
_UNSAFE_SHARE = 4
"""Where a try may end the process, the first takes this part of what the planner says fits."""


@dataclass(frozen=True)
class StepMemory:
    """Memory of one rank in an optimizer step, in bytes."""

    held: int
    """Before the step: weights, optimizer states, libraries."""
    peak: int
    """At most, in the step."""
    room: int
    """What the rank may hold at most."""

    def at(self, factor: float) -> float:
        """Largest peak of a step whose micro batch is `factor` times as large; factor >= 1.

        What a step takes is the largest of its moments. Each takes so much in any case, and so
        much for each sequence: no more than `factor` times as much for `factor` times as many.
        """
        return self.held + factor * (self.peak - self.held)


@dataclass(frozen=True)
class Found:
    """Result of a search."""

    size: int
    tried: tuple[int, ...]
    fits: bool
    """Whether a try has shown that it fits."""


def find_largest(
    sizes: Sequence[int],
    planned: int,
    attempt: Callable[[int], Sequence[StepMemory] | None],
    *,
    recovers: bool,
) -> Found:
    """The largest micro batch that fits all ranks.

    Args:
        sizes: those to choose from, the smallest first.
        planned: the largest that the planner says fits.
        attempt: makes a step of a size; returns the memory of each rank, or None where one ran
            out of it.
        recovers: whether running out of memory leaves the process alive. Where it does not, no
            size is tried that an earlier try does not show to fit, but the first.
    """
    size = _at_most(planned if recovers else planned // _UNSAFE_SHARE, sizes)
    tried: list[int] = []
    fitting: list[int] = []
    too_large = sizes[-1] + 1
    while len(tried) < MOST_TRIES:
        tried.append(size)
        ranks = attempt(size)
        if ranks is not None and all(rank.peak <= rank.room for rank in ranks):
            fitting.append(size)
            candidates = [s for s in sizes if size < s < too_large and _fits(ranks, s / size)]
            following = candidates[-1] if candidates else None
        else:
            too_large = size
            following = _at_most(size // 2, sizes)
        if following is None or following in tried:
            break
        size = following
    return Found(max(fitting, default=sizes[0]), tuple(tried), fits=bool(fitting))


def smaller(size: int, sizes: Sequence[int]) -> int:
    """Half of a size, or the nearest below that; the smallest stays as it is."""
    return _at_most(size // 2, sizes)


def _at_most(size: int, sizes: Sequence[int]) -> int:
    return max((each for each in sizes if each <= size), default=sizes[0])


def _fits(ranks: Sequence[StepMemory], factor: float) -> bool:
    return all(rank.at(factor) <= rank.room for rank in ranks)
