"""The interleave of sources: shares at every prefix, random access, limits."""

from collections import Counter
from fractions import Fraction

from hypothesis import example, given
from hypothesis import strategies as st

from llmtrain_planner.interleave import Interleave

WEIGHTS = st.lists(
    st.one_of(
        st.integers(1, 1000).map(Fraction),
        st.decimals("0.001", "1000", places=3).map(Fraction),
    ),
    min_size=1,
    max_size=12,
)


@given(weights=WEIGHTS, length=st.integers(0, 120))
@example(weights=[Fraction(1)] * 12, length=400)
@example(weights=[Fraction(2) ** n for n in range(12)], length=400)
@example(weights=[Fraction(98), Fraction(1), Fraction(1)], length=400)
def test_every_prefix_follows_the_weights(weights: list[Fraction], length: int) -> None:
    interleave = Interleave(weights, [None] * len(weights))
    total, drawn = sum(weights), Counter[int]()
    for position in range(length):
        source, number = interleave.draw(position)
        assert number == drawn[source]
        drawn[source] += 1
        for each, weight in enumerate(weights):
            assert abs(drawn[each] - (position + 1) * weight / total) < 2
    assert interleave.counts(length) == tuple(drawn[each] for each in range(len(weights)))


@given(weights=st.lists(st.integers(1, 10**6), min_size=2, max_size=64), rounds=st.integers(1, 9))
def test_after_the_sum_of_the_weights_the_shares_are_exact(weights: list[int], rounds: int) -> None:
    interleave = Interleave([Fraction(weight) for weight in weights], [None] * len(weights))
    exact = tuple(rounds * weight for weight in weights)
    assert interleave.counts(rounds * sum(weights)) == exact


def test_two_sources_are_never_more_than_half_a_draw_off() -> None:
    interleave = Interleave([Fraction(7, 10), Fraction(3, 10)], [None, None])
    pattern = "".join("ab"[interleave.draw(position)[0]] for position in range(20))
    assert pattern == "abaaabaaba" * 2


@given(
    sources=st.lists(
        st.tuples(st.integers(1, 50), st.none() | st.integers(1, 60)), min_size=1, max_size=8
    ),
    length=st.integers(0, 300),
)
def test_a_source_at_its_limit_leaves_its_share_to_the_others(
    sources: list[tuple[int, int | None]], length: int
) -> None:
    weights, limits = [weight for weight, _ in sources], [limit for _, limit in sources]
    interleave = Interleave([Fraction(weight) for weight in weights], limits)
    if interleave.length is not None:
        assert interleave.length == sum(limit or 0 for limit in limits)
        length = min(length, interleave.length)
    drawn = [0] * len(sources)
    begun, at_begin = 0, list(drawn)
    for position in range(length):
        source, number = interleave.draw(position)
        going_on = [n for n, limit in enumerate(limits) if limit is None or drawn[n] < limit]
        assert source in going_on
        assert number == drawn[source]
        drawn[source] += 1
        total = sum(weights[each] for each in going_on)
        for each in going_on:
            share = Fraction((position + 1 - begun) * weights[each], total)
            assert abs(drawn[each] - at_begin[each] - share) < 2
        if drawn[source] == limits[source]:
            begun, at_begin = position + 1, list(drawn)
    assert interleave.counts(length) == tuple(drawn)


@given(
    sources=st.lists(
        st.tuples(st.integers(1, 10**6), st.none() | st.integers(1, 10**9)),
        min_size=1,
        max_size=64,
    ),
    data=st.data(),
)
def test_any_position_is_found_without_those_before_it(
    sources: list[tuple[int, int | None]], data: st.DataObject
) -> None:
    interleave = Interleave(
        [Fraction(weight) for weight, _ in sources], [lim for _, lim in sources]
    )
    last = (interleave.length or 10**12) - 1
    position = data.draw(st.integers(0, last))
    source, number = interleave.draw(position)
    before, after = interleave.counts(position), interleave.counts(position + 1)
    assert before[source] == number
    assert [b - a for a, b in zip(before, after, strict=True)] == [
        int(each == source) for each in range(len(sources))
    ]
    assert sum(after) == position + 1
    limits = [limit for _, limit in sources]
    assert all(limit is None or count <= limit for count, limit in zip(after, limits, strict=True))
