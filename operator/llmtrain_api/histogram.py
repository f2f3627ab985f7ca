"""Histograms that add up: their bins lie on a grid that does not depend on the values."""

import math
from collections import Counter
from collections.abc import Iterable
from typing import Self

from llmtrain_api.base import Record


class Bin(Record):
    """Values from one bound on, below another."""

    lower: float
    upper: float
    count: int


class Histogram(Record):
    """Counts of values by their size; bins without values are left out."""

    bins: tuple[Bin, ...] = ()
    """From small to large values."""

    @classmethod
    def doubling(cls, values: Iterable[int]) -> Self:
        """Counts of whole numbers from 0 on, in bins of twice the width of the one before.

        The bins begin at 0, 1, 2, 4, 8 and so on.
        """
        by_length = Counter(value.bit_length() for value in values)
        return cls(
            bins=tuple(
                Bin(lower=2 ** (length - 1) if length else 0, upper=2**length, count=count)
                for length, count in sorted(by_length.items())
            )
        )

    @classmethod
    def even(cls, values: Iterable[float], width: float) -> Self:
        """Counts of finite numbers in bins of the same width, one of which begins at 0.

        A value of exactly 1 is in the bin below it: no probability is higher.
        """
        by_place = Counter(_place(value, width) for value in values)
        return cls(
            bins=tuple(
                Bin(lower=_bound(place, width), upper=_bound(place + 1, width), count=count)
                for place, count in sorted(by_place.items())
            )
        )

    def __add__(self, other: "Histogram") -> "Histogram":
        """The counts of both, which have the same grid."""
        if not self.bins or not other.bins:
            return self if self.bins else other
        together: dict[float, Bin] = {each.lower: each for each in self.bins}
        for each in other.bins:
            same = together.get(each.lower)
            together[each.lower] = same.replace(count=same.count + each.count) if same else each
        return Histogram(bins=tuple(together[lower] for lower in sorted(together)))

    @property
    def count(self) -> int:
        """The number of values."""
        return sum(each.count for each in self.bins)


def _place(value: float, width: float) -> int:
    place = math.floor(value / width)
    return place - 1 if value == 1 == _bound(place, width) else place


def _bound(place: int, width: float) -> float:
    """A multiple of the width, without the last digits that floating point adds."""
    return round(place * width, 9)
