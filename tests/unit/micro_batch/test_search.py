"""The search against made-up devices."""

from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from llmtrain_api.batch import divisors
from llmtrain_trainer.micro_batch.search import Found, StepMemory, find_largest, smaller

MOMENTS = st.lists(st.tuples(st.integers(0, 1000), st.integers(1, 50)), min_size=1, max_size=3)
"""What a step's moments take: in any case, and for each sequence."""
SHARES = st.integers(1, 512)


class Device:
    """A device with so much memory, and a step of these moments."""

    def __init__(self, moments: list[tuple[int, int]], room: int) -> None:
        self._moments, self._room = moments, room
        self.tried: list[int] = []

    def peak(self, size: int) -> int:
        return 100 + max(constant + each * size for constant, each in self._moments)

    def step(self, size: int) -> list[StepMemory] | None:
        self.tried.append(size)
        if self.peak(size) > self._room:
            return None
        return [StepMemory(100, self.peak(size), self._room)]

    def find(self, share: int, planned: int, *, recovers: bool) -> Found:
        return find_largest(divisors(share), planned, self.step, recovers=recovers)


@given(moments=MOMENTS, share=SHARES, room=st.integers(200, 20_000), error=st.floats(0.25, 2))
def test_what_may_end_the_process_is_never_tried(
    moments: list[tuple[int, int]], share: int, room: int, error: float
) -> None:
    """As long as the plan is not too low by more than the first try allows for."""
    device = Device(moments, room)
    fitting = [size for size in divisors(share) if device.peak(size) <= room]
    if not fitting:
        return
    found = device.find(share, max(1, int(2 * error * fitting[-1])), recovers=False)
    assert found.fits
    assert found.size <= fitting[-1]
    assert len(device.tried) <= 3
    assert all(size in fitting for size in device.tried)


@given(share=SHARES, each=st.integers(1, 50), room=st.integers(200, 20_000))
def test_the_largest_is_found_where_memory_grows_with_the_sequences(
    share: int, each: int, room: int
) -> None:
    device = Device([(0, each)], room)
    fitting = [size for size in divisors(share) if device.peak(size) <= room]
    if fitting:
        assert device.find(share, fitting[-1], recovers=True).size == fitting[-1]
        assert device.find(share, fitting[-1], recovers=False).size == fitting[-1]


@given(moments=MOMENTS, share=SHARES, room=st.integers(200, 20_000), planned=st.integers(1, 512))
def test_running_out_of_memory_is_survived(
    moments: list[tuple[int, int]], share: int, room: int, planned: int
) -> None:
    device = Device(moments, room)
    found = device.find(share, planned, recovers=True)
    assert found.tried == tuple(device.tried)
    assert 1 <= len(device.tried) <= 3
    assert found.fits == any(device.peak(size) <= room for size in device.tried)
    assert found.fits == (device.peak(found.size) <= room) or found.size == 1


def test_the_rank_with_the_least_room_decides() -> None:
    def step(size: int) -> list[StepMemory]:
        return [StepMemory(0, 10 * size, room) for room in (1000, 330)]

    assert find_largest(divisors(64), 64, step, recovers=False).size == 32


def test_half_of_a_size_is_the_nearest_below() -> None:
    sizes = divisors(24)
    assert [smaller(size, sizes) for size in sizes] == [1, 1, 1, 2, 3, 4, 6, 12]
    assert all(smaller(b, sizes) <= a for a, b in pairwise(sizes))
