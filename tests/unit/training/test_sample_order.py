import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from llmtrain_trainer.training.samples import Batch, SampleOrder, SpreadSamples, step_positions


class Numbered:
    """Samples that hold their own numbers."""

    def __init__(self, count: int) -> None:
        self._count = count

    def __len__(self) -> int:
        return self._count

    def batch(self, indices: NDArray[np.int64]) -> Batch:
        return Batch(input_ids=indices[:, None], labels=indices[:, None])

    def label_counts(self, indices: NDArray[np.int64]) -> NDArray[np.int64]:
        return indices


@given(st.integers(1, 10**6), st.integers(1, 300))
def test_some_samples_are_taken_from_everywhere(count: int, limit: int) -> None:
    some = SpreadSamples(Numbered(count), limit)
    numbers = some.batch(np.arange(len(some))).input_ids[:, 0]
    assert len(some) == min(count, limit)
    assert numbers[0] == 0
    gaps = np.diff([*numbers, count])
    assert gaps.min() >= 1
    assert gaps.max() <= count // len(some) + 1
    assert some.label_counts(np.arange(len(some))).tolist() == numbers.tolist()


@given(st.integers(1, 500), st.integers(0, 2**31 - 1), st.integers(0, 5))
def test_every_epoch_holds_every_sequence_once(size: int, seed: int, epoch: int) -> None:
    positions = np.arange(epoch * size, (epoch + 1) * size)
    assert sorted(SampleOrder(size, seed).at(positions)) == list(range(size))


@given(st.integers(1, 500), st.integers(0, 2**31 - 1), st.lists(st.integers(0, 2000), min_size=1))
def test_a_sample_is_the_same_however_it_is_asked_for(
    size: int, seed: int, positions: list[int]
) -> None:
    order = SampleOrder(size, seed)
    together = order.at(np.array(positions))
    assert together.tolist() == [order.at(np.array([p]))[0] for p in positions]


def test_epochs_and_seeds_differ() -> None:
    first, second = SampleOrder(1000, 1), SampleOrder(1000, 2)
    epoch = np.arange(1000)
    assert (first.at(epoch) != first.at(epoch + 1000)).mean() > 0.9
    assert (first.at(epoch) != second.at(epoch)).mean() > 0.9


def test_the_order_looks_shuffled() -> None:
    order = SampleOrder(10_000, 3).at(np.arange(10_000)).astype(float)
    assert abs(np.corrcoef(order[:-1], order[1:])[0, 1]) < 0.05
    assert abs(np.corrcoef(np.arange(10_000), order)[0, 1]) < 0.05


def test_steps_read_the_stream_without_gap_or_overlap() -> None:
    read = np.concatenate([step_positions(step, 7) for step in range(5)])
    assert read.tolist() == list(range(35))
