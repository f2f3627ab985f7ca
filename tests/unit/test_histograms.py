"""Histograms of parts add up to the histogram of the whole."""

from hypothesis import given
from hypothesis import strategies as st

from llmtrain_api.histogram import Histogram

SIZES = st.lists(st.integers(0, 10**9), max_size=40)
SCORES = st.lists(st.floats(-10, 10), max_size=40)


@given(SIZES, SIZES)
def test_lengths_of_parts_add_up(first: list[int], second: list[int]) -> None:
    parts = Histogram.doubling(first) + Histogram.doubling(second)
    assert parts == Histogram.doubling([*first, *second])


@given(SCORES, SCORES, st.sampled_from([0.05, 0.25, 1.0]))
def test_scores_of_parts_add_up(first: list[float], second: list[float], width: float) -> None:
    parts = Histogram.even(first, width) + Histogram.even(second, width)
    assert parts == Histogram.even([*first, *second], width)


@given(SIZES)
def test_each_size_is_in_its_bin(sizes: list[int]) -> None:
    histogram = Histogram.doubling(sizes)
    assert histogram.count == len(sizes)
    for each in histogram.bins:
        inside = [size for size in sizes if each.lower <= size < each.upper]
        assert len(inside) == each.count


def test_bounds_are_round_numbers() -> None:
    bins = Histogram.even([0.31, 0.34, 1.0, -0.01], 0.05).bins
    assert [(each.lower, each.upper, each.count) for each in bins] == [
        (-0.05, 0, 1),
        (0.3, 0.35, 2),
        (0.95, 1, 1),
    ]
