"""The choice of documents by their scores: bounds, and the best share of a source, exactly.

Scores come unit by unit, several times over, so that memory does not grow with the corpus.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from decimal import ROUND_CEILING, Decimal

import numpy as np
from numpy.typing import NDArray

from llmtrain_api.spec.step_sections.classifier import Classifier
from llmtrain_trainer.data.scores.scoring import BLANK
from llmtrain_trainer.data.steps.base import NO_TEXT
from llmtrain_trainer.data.steps.classifier import NO_SCORE, NOT_AMONG_TOP, TOO_HIGH, TOO_LOW

Scores = NDArray[np.float32]
Parts = Callable[[], Iterable[Scores]]
"""The scores of a source, from the beginning each time."""

RULES = (NO_TEXT, NO_SCORE, TOO_LOW, TOO_HIGH, NOT_AMONG_TOP)
"""The rules that drop documents, by the numbers in a choice."""
STAYS = len(RULES)
_HALF_BITS = 16
_HALVES = 1 << _HALF_BITS


@dataclass(frozen=True)
class Cut:
    """The end of the best documents of a source."""

    lowest: np.uint32
    """Order number of the lowest score that stays."""
    equal: int
    """Documents with just that score that stay."""


class Choice:
    """Chooses among the documents of one source, part by part.

    Args:
        section: the step's settings.
        parts: all scores of the source.
    """

    def __init__(self, section: Classifier, parts: Parts) -> None:
        self._section = section
        self._cut: Cut | None = None
        if section.keep_top is not None:
            count = _num_kept(section.keep_top, sum(_num_texts(scores) for scores in parts()))
            self._cut = _cut(lambda: map(self._eligible, parts()), count)
        self._equal_left = self._cut.equal if self._cut else 0

    def take(self, scores: Scores) -> NDArray[np.uint8]:
        """The rules that drop the documents of the next part; `STAYS` for those that stay."""
        rules = self._by_bounds(scores)
        if self._cut is None:
            return rules
        order = order_numbers(scores)
        eligible = rules == STAYS
        rules[eligible & (order < self._cut.lowest)] = RULES.index(NOT_AMONG_TOP)
        equal = np.flatnonzero(eligible & (order == self._cut.lowest))
        rules[equal[self._equal_left :]] = RULES.index(NOT_AMONG_TOP)
        self._equal_left -= min(self._equal_left, len(equal))
        return rules

    def _eligible(self, scores: Scores) -> Scores:
        eligible: Scores = scores[self._by_bounds(scores) == STAYS]
        return eligible

    def _by_bounds(self, scores: Scores) -> NDArray[np.uint8]:
        rules = np.full(len(scores), STAYS, np.uint8)
        low, high = self._section.min, self._section.max
        # As the scores are stored, so that one that is printed as the bound stays.
        if high is not None:
            rules[scores > np.float32(high)] = RULES.index(TOO_HIGH)
        if low is not None:
            rules[scores < np.float32(low)] = RULES.index(TOO_LOW)
        rules[np.isnan(scores)] = RULES.index(NO_SCORE)
        rules[scores == BLANK] = RULES.index(NO_TEXT)
        return rules


def order_numbers(scores: Scores) -> NDArray[np.uint32]:
    """Numbers that are in the order of the scores, which must not be NaN to count."""
    bits = (scores + np.float32(0)).view(np.uint32)  # -0.0 becomes 0.0
    is_negative = bits >> np.uint32(31) == 1
    return np.where(is_negative, ~bits, bits | np.uint32(1 << 31))


def _num_texts(scores: Scores) -> int:
    return int((scores != BLANK).sum())


def _num_kept(share: float, count: int) -> int:
    """A share of documents, rounded up; exact, for 0.1 times 30 are 3."""
    return int((Decimal(repr(share)) * count).to_integral_value(ROUND_CEILING))


def _cut(parts: Parts, count: int) -> Cut | None:
    """The end of the highest scores; None where there are fewer.

    The upper halves of the order numbers are counted, then the lower ones of those that share the
    upper half of the last.
    """

    def numbers() -> Iterable[NDArray[np.uint32]]:
        return map(order_numbers, parts())

    upper, above = _last(_counted(each >> np.uint32(_HALF_BITS) for each in numbers()), count)
    if upper is None:
        return None
    lower, equal = _last(
        _counted(each[each >> np.uint32(_HALF_BITS) == upper] % _HALVES for each in numbers()),
        count - above,
    )
    assert lower is not None, "as many as were counted have this upper half"
    return Cut(np.uint32(upper << _HALF_BITS | lower), count - above - equal)


def _counted(parts: Iterable[NDArray[np.uint32]]) -> NDArray[np.int64]:
    counts = np.zeros(_HALVES, np.int64)
    for part in parts:
        counts += np.bincount(part, minlength=_HALVES)
    return counts


def _last(counts: NDArray[np.int64], wanted: int) -> tuple[int | None, int]:
    """The number with which as many are reached from the top, and how many are above it."""
    reached = np.cumsum(counts[::-1])
    place = int(np.searchsorted(reached, wanted))
    if place == len(reached):
        return None, int(reached[-1])
    return _HALVES - 1 - place, int(reached[place - 1]) if place else 0
