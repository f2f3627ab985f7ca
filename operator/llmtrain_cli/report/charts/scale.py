"""Axes that begin, end and tick at round numbers."""

import math
from dataclasses import dataclass

_ROUND = (1, 2, 2.5, 5, 10)


@dataclass(frozen=True)
class Scale:
    """Maps values to places from 0 to 1."""

    low: float
    high: float
    ticks: tuple[float, ...]

    def place(self, value: float) -> float:
        """Where a value lies; outside of 0 to 1 where it is outside of the scale."""
        return (value - self.low) / (self.high - self.low)


def round_scale(low: float, high: float, *, num_ticks: int = 5) -> Scale:
    """A scale that holds all values and ends on ticks (Heckbert, Graphics Gems, 1990).

    Args:
        low: the smallest value.
        high: the largest one.
        num_ticks: about how many.
    """
    step = _tick_step(low, high, num_ticks)
    first, last = math.floor(low / step), math.ceil(high / step)
    ticks = tuple(step * number for number in range(first, max(last, first + 1) + 1))
    return Scale(ticks[0], ticks[-1], ticks)


def tight_scale(low: float, high: float, *, num_ticks: int = 5) -> Scale:
    """A scale that ends where the values end, with round ticks between: for steps and time."""
    if low == high:
        high = low + 1
    step = _tick_step(low, high, num_ticks)
    numbers = range(math.ceil(low / step), math.floor(high / step) + 1)
    return Scale(low, high, tuple(step * number for number in numbers))


def _tick_step(low: float, high: float, num_ticks: int) -> float:
    """The round number whose multiples give about that many ticks."""
    span = (high - low) or abs(high) or 1.0
    rough = span / max(num_ticks - 1, 1)
    power = 10.0 ** math.floor(math.log10(rough))
    return next(factor * power for factor in _ROUND if factor * power >= rough * (1 - 1e-9))
