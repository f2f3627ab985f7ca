"""A tracker in trouble holds nothing up and ends nothing."""

import threading
from collections.abc import Sequence
from typing import Unpack

import pytest

from llmtrain_api.training_metrics import TrainingMetrics
from llmtrain_trainer.progress.reporter import StageChanges
from llmtrain_trainer.tracking import background
from llmtrain_trainer.tracking.background import BackgroundTracker
from llmtrain_trainer.tracking.run import Point


class _Warnings:
    """A reporter that keeps what it is warned of."""

    def __init__(self) -> None:
        self.texts: list[str] = []

    def update(self, **changes: Unpack[StageChanges]) -> None:
        self.texts += changes["warnings"]

    def log(self, measured: TrainingMetrics) -> None:
        raise AssertionError(measured)


class _Memory:
    """A tracker that fails a set number of times, and waits for a gate."""

    def __init__(self, *, failures: int = 0) -> None:
        self.failures, self.steps = failures, list[int]()
        self.entered, self.gate = threading.Event(), threading.Event()
        self.gate.set()
        self.succeeded: bool | None = None

    def write(self, points: Sequence[Point]) -> None:
        self.entered.set()
        self.gate.wait()
        if self.failures:
            self.failures -= 1
            raise ConnectionError("nobody is there")
        self.steps += [point.step for point in points]

    def close(self, *, succeeded: bool) -> None:
        self.succeeded = succeeded


def _points(count: int) -> list[Point]:
    return [Point(step, 0.0, {"loss": 1.0}) for step in range(1, count + 1)]


def test_all_points_arrive_in_order() -> None:
    memory, warnings = _Memory(), _Warnings()
    with BackgroundTracker("memory", lambda: memory, warnings) as tracker:
        for point in _points(500):
            tracker.add(point)
    assert memory.steps == list(range(1, 501))
    assert (memory.succeeded, warnings.texts) == (True, [])


def test_a_stage_that_fails_is_recorded_as_such() -> None:
    memory = _Memory()

    def fail() -> None:
        with BackgroundTracker("memory", lambda: memory, _Warnings()) as tracker:
            tracker.add(_points(1)[0])
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        fail()
    assert memory.steps == [1]
    assert memory.succeeded is False


def test_what_failed_is_tried_again_and_warned_of_once() -> None:
    memory, warnings = _Memory(failures=1), _Warnings()
    with BackgroundTracker("memory", lambda: memory, warnings) as tracker:
        tracker.add(_points(1)[0])
        assert memory.entered.wait(30)
    assert memory.steps == [1]
    assert warnings.texts == [
        "tracking.memory failed, and training goes on: nobody is there",
    ]


def test_a_tracker_that_cannot_be_opened_is_a_warning() -> None:
    def connect() -> _Memory:
        raise ConnectionError("no such server")

    warnings = _Warnings()
    with BackgroundTracker("memory", connect, warnings) as tracker:
        for point in _points(200):
            tracker.add(point)
    assert warnings.texts == [
        "tracking.memory failed, and training goes on: no such server",
    ]


def test_a_slow_tracker_misses_points_and_nobody_waits(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(background, "_LONGEST_QUEUE", 10)
    memory, warnings = _Memory(), _Warnings()
    memory.gate.clear()
    with BackgroundTracker("memory", lambda: memory, warnings) as tracker:
        for point in _points(1000):
            tracker.add(point)
        memory.gate.set()
    assert 10 <= len(memory.steps) < 1000
    assert memory.steps == sorted(set(memory.steps))
    assert warnings.texts == ["tracking.memory is too slow: some measurements are left out"]


def test_the_end_of_a_stage_waits_for_a_hung_tracker_no_longer_than_it_must(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(background, "_CLOSE_SECONDS", 0.1)
    memory, warnings = _Memory(), _Warnings()
    memory.gate.clear()
    with BackgroundTracker("memory", lambda: memory, warnings) as tracker:
        tracker.add(_points(1)[0])
    assert warnings.texts == ["tracking.memory did not take the last measurements in time"]
    memory.gate.set()
