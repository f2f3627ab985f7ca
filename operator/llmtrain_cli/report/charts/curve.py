"""Long curves, thinned so that the page of a run with a million steps stays small."""

from collections.abc import Sequence
from dataclasses import dataclass
from statistics import fmean

_MAX_SPOTS = 120
"""More than a chart of this width can show."""


@dataclass(frozen=True)
class Point:
    """Neighbouring values of a curve, as one."""

    x: float
    """Value of the last point."""
    y: float
    """Their mean."""
    low: float
    high: float


def thinned(values: Sequence[tuple[float, float]], *, most: int = _MAX_SPOTS) -> tuple[Point, ...]:
    """The curve in equal portions, from pairs of x and y in the order of x."""
    size = -(-len(values) // most) or 1
    portions = [values[start : start + size] for start in range(0, len(values), size)]
    return tuple(
        Point(
            x=portion[-1][0],
            y=fmean(y for _, y in portion),
            low=min(y for _, y in portion),
            high=max(y for _, y in portion),
        )
        for portion in portions
    )
