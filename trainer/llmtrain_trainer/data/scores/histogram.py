"""How scores are spread: a histogram, with the first document of each bin."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from llmtrain_api.histogram import Histogram
from llmtrain_trainer.data.scores.choice import Scores

_NARROWEST = 0.05
_MOST_BINS = 40


@dataclass
class Spread:
    """Counts scores in bins of equal width."""

    width: float
    histogram: Histogram = field(default_factory=Histogram)
    firsts: dict[int, tuple[int, int, float]] = field(default_factory=dict)
    """Unit, row and score of the first document in each bin, by the bin's place."""

    def count(self, unit: int, rows: NDArray[np.uint32], scores: Scores) -> None:
        """Count documents of a unit.

        Args:
            unit: its number.
            rows: their rows.
            scores: their scores; those that are no finite numbers do not count.
        """
        is_number = np.isfinite(scores)
        rows, values = rows[is_number], scores[is_number].astype(np.float64)
        self.histogram += Histogram.even(values.tolist(), self.width)
        places, firsts = np.unique(np.floor(values / self.width), return_index=True)
        for place, first in zip(places.tolist(), firsts.tolist(), strict=True):
            self.firsts.setdefault(int(place), (unit, int(rows[first]), float(values[first])))


def bin_width(parts: Callable[[], Iterable[Scores]]) -> float:
    """The width of bins for scores: 0.05 for probabilities, more where they are wider apart."""
    low, high = np.inf, -np.inf
    for scores in parts():
        numbers = scores[np.isfinite(scores)]
        if len(numbers):
            low, high = min(low, float(numbers.min())), max(high, float(numbers.max()))
    width, factors = _NARROWEST, (2, 2.5, 2)  # 0.05, 0.1, 0.25, 0.5 and so on
    for number in range(1000):
        if high - low <= _MOST_BINS * width:
            break
        width *= factors[number % len(factors)]
    return width
