"""The choice of documents by their scores: bounds, shares and numbers of them, exactly.

Scores come unit by unit, several times over, so that memory does not grow with the corpus.
"""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from decimal import ROUND_CEILING, ROUND_FLOOR, Decimal

import numpy as np
from numpy.typing import NDArray

from llmtrain_api.spec.step_sections.classifier import Classifier
from llmtrain_api.spec.step_sections.perplexity import Among, Perplexity
from llmtrain_trainer.data.scores.models import ScoringSection
from llmtrain_trainer.data.scores.scoring import BLANK
from llmtrain_trainer.data.steps.base import NO_TEXT
from llmtrain_trainer.data.steps.classifier import NO_SCORE, NOT_AMONG_TOP, TOO_HIGH, TOO_LOW
from llmtrain_trainer.data.steps.perplexity import (
    AMONG_HIGHEST,
    AMONG_LOWEST,
    NOT_AMONG_HIGHEST,
)

Scores = NDArray[np.float32]
Parts = Callable[[], Iterable[Scores]]
"""The scores of a source, from the beginning each time."""

RULES = (
    NO_TEXT,
    NO_SCORE,
    TOO_LOW,
    TOO_HIGH,
    NOT_AMONG_TOP,
    AMONG_LOWEST,
    AMONG_HIGHEST,
    NOT_AMONG_HIGHEST,
)
"""The rules that drop documents, by the numbers in a choice."""
STAYS = len(RULES)
_HALF_BITS = 16
_HALVES = 1 << _HALF_BITS


def is_by_source(section: ScoringSection) -> bool:
    """Whether the documents of each source are chosen by themselves."""
    return not isinstance(section, Perplexity) or section.among is Among.SOURCE


@dataclass
class Cut:
    """The end of the documents that stay by their rank; takes part after part."""

    rule: str
    """The rule that drops the others."""
    keeps_lowest: bool
    """Whether those with the lowest scores stay; else those with the highest."""
    edge: np.uint32
    """Order number of the last score that stays, from the end that stays."""
    equal: int
    """Documents with just that score that still stay."""

    def take(self, scores: Scores, rules: NDArray[np.uint8]) -> None:
        """Write its rule in the place of those of the next part that it drops."""
        order = order_numbers(scores, falling=self.keeps_lowest)
        eligible = rules == STAYS
        rules[eligible & (order < self.edge)] = RULES.index(self.rule)
        equal = np.flatnonzero(eligible & (order == self.edge))
        rules[equal[self.equal :]] = RULES.index(self.rule)
        self.equal -= min(self.equal, len(equal))


class Choice:
    """Chooses among the documents of one source, or of all of them, part by part.

    Args:
        section: the step's settings.
        parts: all scores of the source.
    """

    def __init__(self, section: ScoringSection, parts: Parts) -> None:
        self._section = section
        self._cuts: list[Cut] = []
        if isinstance(section, Perplexity):
            self._cut_tails(section, parts)
        elif section.keep_top is not None:
            count = _num_kept(section.keep_top, sum(_num_texts(scores) for scores in parts()))
            self._cut(NOT_AMONG_TOP, parts, count)

    def take(self, scores: Scores) -> NDArray[np.uint8]:
        """The rules that drop the documents of the next part; `STAYS` for those that stay."""
        return self._rules(scores, self._cuts)

    def _cut_tails(self, section: Perplexity, parts: Parts) -> None:
        count = sum(len(scores) for scores in self._eligible(parts))
        low, high = (
            _num_dropped(share, count) for share in (section.drop_lowest, section.drop_highest)
        )
        if low:
            self._cut(AMONG_LOWEST, parts, count - low)
        if high:
            self._cut(AMONG_HIGHEST, parts, count - low - high, keeps_lowest=True)
        if section.keep_highest is not None:
            self._cut(NOT_AMONG_HIGHEST, parts, section.keep_highest)

    def _cut(self, rule: str, parts: Parts, count: int, *, keeps_lowest: bool = False) -> None:
        """Keep so many of the documents that the cuts before have left."""
        found = _edge(
            lambda: (order_numbers(each, falling=keeps_lowest) for each in self._eligible(parts)),
            count,
        )
        if found is not None:
            self._cuts.append(Cut(rule, keeps_lowest, *found))

    def _eligible(self, parts: Parts) -> Iterator[Scores]:
        """The scores of documents that stay so far, part by part."""
        cuts = [replace(cut) for cut in self._cuts]
        for scores in parts():
            yield scores[self._rules(scores, cuts) == STAYS]

    def _rules(self, scores: Scores, cuts: Iterable[Cut]) -> NDArray[np.uint8]:
        rules = np.full(len(scores), STAYS, np.uint8)
        if isinstance(self._section, Classifier):
            low, high = self._section.min, self._section.max
            # As the scores are stored, so that one that is printed as the bound stays.
            if high is not None:
                rules[scores > np.float32(high)] = RULES.index(TOO_HIGH)
            if low is not None:
                rules[scores < np.float32(low)] = RULES.index(TOO_LOW)
        rules[np.isnan(scores)] = RULES.index(NO_SCORE)
        rules[scores == BLANK] = RULES.index(NO_TEXT)
        for cut in cuts:
            cut.take(scores, rules)
        return rules


def order_numbers(scores: Scores, *, falling: bool = False) -> NDArray[np.uint32]:
    """Numbers that are in the order of the scores, which must not be NaN to count.

    Args:
        scores: the scores.
        falling: whether the lowest score has the highest number.
    """
    bits = (scores + np.float32(0)).view(np.uint32)  # -0.0 becomes 0.0
    is_negative = bits >> np.uint32(31) == 1
    numbers = np.where(is_negative, ~bits, bits | np.uint32(1 << 31))
    return ~numbers if falling else numbers


def _num_texts(scores: Scores) -> int:
    return int((scores != BLANK).sum())


def _num_kept(share: float, count: int) -> int:
    """A share of documents, rounded up; exact, for 0.1 times 30 are 3."""
    return int((Decimal(repr(share)) * count).to_integral_value(ROUND_CEILING))


def _num_dropped(share: float, count: int) -> int:
    """A share of documents, rounded down; exact."""
    return int((Decimal(repr(share)) * count).to_integral_value(ROUND_FLOOR))


def _edge(
    numbers: Callable[[], Iterable[NDArray[np.uint32]]], count: int
) -> tuple[np.uint32, int] | None:
    """The last of the highest order numbers, and how many of it stay; None where there are fewer.

    The upper halves of the numbers are counted, then the lower ones of those that share the upper
    half of the last.

    Args:
        numbers: order numbers, part by part, from the beginning each time.
        count: documents that stay.
    """
    upper, above = _last(_counted(each >> np.uint32(_HALF_BITS) for each in numbers()), count)
    if upper is None:
        return None
    lower, equal = _last(
        _counted(each[each >> np.uint32(_HALF_BITS) == upper] % _HALVES for each in numbers()),
        count - above,
    )
    assert lower is not None, "as many as were counted have this upper half"
    return np.uint32(upper << _HALF_BITS | lower), count - above - equal


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
