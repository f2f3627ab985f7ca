"""The stream of a mixture: each source in its own order, however it is asked for."""

from fractions import Fraction

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from llmtrain_trainer.training.mixture import MixedSource, Mixture
from llmtrain_trainer.training.samples import SampleOrder, step_positions

SOURCES = st.lists(
    st.builds(
        MixedSource,
        num_sequences=st.integers(1, 30),
        weight=st.integers(1, 20).map(Fraction),
        limit=st.none() | st.integers(1, 90),
    ),
    min_size=1,
    max_size=5,
)


def length_of(mixture: Mixture, wanted: int) -> int:
    """As many positions, or all where the stream is shorter."""
    return wanted if mixture.length is None else min(wanted, mixture.length)


@given(sources=SOURCES, seed=st.integers(0, 2**31 - 1))
@settings(max_examples=40)
def test_each_source_comes_in_the_order_that_it_has_alone(
    sources: list[MixedSource], seed: int
) -> None:
    mixture = Mixture(sources, seed)
    length = length_of(mixture, 120)
    stream = mixture.at(np.arange(length))
    first = 0
    for source, count in zip(sources, mixture.counts(length), strict=True):
        mine = stream[(stream >= first) & (stream < first + source.num_sequences)] - first
        alone = SampleOrder(source.num_sequences, seed).at(np.arange(count))
        assert mine.tolist() == alone.tolist()
        first += source.num_sequences
    assert len(mixture) == first


@given(sources=SOURCES, batch=st.integers(1, 16), data=st.data())
@settings(max_examples=40)
def test_steps_of_any_batch_read_the_same_stream_from_any_step_on(
    sources: list[MixedSource], batch: int, data: st.DataObject
) -> None:
    mixture = Mixture(sources, seed=7)
    steps = length_of(mixture, 100) // batch
    stream = mixture.at(np.arange(steps * batch))
    first = data.draw(st.integers(0, steps))
    resumed = Mixture(sources, seed=7)
    read = [resumed.at(step_positions(step, batch)) for step in range(first, steps)]
    assert np.concatenate([stream[: first * batch], *read]).tolist() == stream.tolist()


def test_a_sequence_is_repeated_as_often_as_the_cap_allows_and_no_more() -> None:
    capped, other = MixedSource(10, Fraction(9), 25), MixedSource(1000, Fraction(1), None)
    stream = Mixture([capped, other], seed=3).at(np.arange(500))
    times = np.bincount(stream, minlength=10)[:10]
    assert times.sum() == 25
    assert set(times.tolist()) == {2, 3}
    assert (stream[-400:] >= 10).all()


def test_the_fingerprint_goes_by_what_decides_the_stream() -> None:
    def fingerprint(*sources: tuple[int, int, int | None]) -> str:
        return Mixture([MixedSource(n, Fraction(w), most) for n, w, most in sources], 1).fingerprint

    asked = fingerprint((10, 1, None), (20, 3, 40))
    assert fingerprint((10, 2, None), (20, 6, 40)) == asked
    for other in (
        ((10, 1, None), (20, 2, 40)),
        ((10, 1, None), (20, 3, 41)),
        ((10, 1, 40), (20, 3, 40)),
        ((11, 1, None), (20, 3, 40)),
    ):
        assert fingerprint(*other) != asked
