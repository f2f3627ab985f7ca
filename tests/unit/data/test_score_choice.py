"""The best documents stay, to the document, however the scores come."""

import math
from decimal import ROUND_CEILING, Decimal

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from llmtrain_api.spec.step_sections.classifier import Classifier
from llmtrain_trainer.data.scores.choice import RULES, Choice, order_numbers
from llmtrain_trainer.data.scores.histogram import Spread, bin_width
from llmtrain_trainer.data.scores.scoring import BLANK

SCORES = st.floats(width=32, allow_nan=False, allow_infinity=False) | st.sampled_from(
    [0.0, -0.0, 0.5, 1.0, math.nan, BLANK]
)


def rules_of(section: dict[str, object], parts: list[list[float]]) -> list[str]:
    """The rule for each document; `` for one that stays."""
    arrays = [np.array(part, np.float32) for part in parts]
    choice = Choice(Classifier.model_validate({"model": "m", **section}), lambda: arrays)
    names = (*RULES, "")
    return [names[rule] for array in arrays for rule in choice.take(array)]


def test_bounds_belong_to_what_stays() -> None:
    scores = [[0.1, 0.3, 0.5], [0.7, 0.9, math.nan, BLANK]]
    found = rules_of({"min": 0.3, "max": 0.7}, scores)
    assert found == ["min", "", "", "", "max", "noScore", "empty"]
    assert rules_of({}, scores) == ["", "", "", "", "", "noScore", "empty"]


@pytest.mark.parametrize(
    ("share", "count", "kept"),
    [(0.1, 30, 3), (0.1, 31, 4), (0.01, 3, 1), (1, 7, 7), (0.29, 100, 29)],
)
def test_a_share_is_rounded_up_and_of_equal_ones_the_first_stay(
    share: float, count: int, kept: int
) -> None:
    found = rules_of({"keepTop": share}, [[0.5] * (count - count // 2), [0.5] * (count // 2)])
    assert found == [""] * kept + ["keepTop"] * (count - kept)


def test_what_the_bounds_drop_leaves_room_for_no_others() -> None:
    # Half of four documents are two, and only two are below 0.6.
    assert rules_of({"keepTop": 0.5, "max": 0.6}, [[0.9, 0.1, 0.8, 0.2]]) == ["max", "", "max", ""]
    assert rules_of({"keepTop": 0.25, "max": 0.6}, [[0.9, 0.1, 0.8, 0.2]])[1::2] == ["keepTop", ""]


@given(
    st.lists(st.lists(SCORES, max_size=20), max_size=4), st.sampled_from([0.01, 0.1, 0.3, 0.5, 1])
)
def test_the_best_are_those_of_a_sorted_list(parts: list[list[float]], share: float) -> None:
    flat = [float(np.float32(score)) for part in parts for score in part]
    texts = [score for score in flat if score != BLANK]
    wanted = int((Decimal(repr(share)) * len(texts)).to_integral_value(ROUND_CEILING))
    numbers = [n for n, score in enumerate(flat) if math.isfinite(score)]
    best = {*sorted(numbers, key=lambda n: (-flat[n], n))[:wanted]}
    found = rules_of({"keepTop": share}, parts)
    assert {n for n, rule in enumerate(found) if not rule} == best
    assert found == rules_of({"keepTop": share}, [[score for part in parts for score in part]])


@given(st.lists(SCORES.filter(math.isfinite), min_size=2, max_size=2))
def test_order_numbers_are_in_the_order_of_the_scores(pair: list[float]) -> None:
    one, other = np.array(pair, np.float32)
    first, second = order_numbers(np.array(pair, np.float32))
    assert (first < second, first == second) == (one < other, one == other)


@given(st.lists(SCORES, max_size=30))
def test_each_number_is_counted_in_its_bin(scores: list[float]) -> None:
    array = np.array(scores, np.float32)
    spread = Spread(bin_width(lambda: [array]))
    spread.count(0, np.arange(len(array), dtype=np.uint32), array)
    assert spread.histogram.count == np.isfinite(array).sum()
    assert len(spread.histogram.bins) == len(spread.firsts) <= 42
    for place, (_, row, score) in spread.firsts.items():
        assert array[row] == np.float32(score)
        assert place == math.floor(score / spread.width)
