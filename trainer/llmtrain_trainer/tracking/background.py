"""Feeds trackers from threads of their own, so that none of them holds training up."""

import logging
import queue
import threading
from collections.abc import Callable, Sequence
from typing import Self

from llmtrain_trainer.errors import in_one_line
from llmtrain_trainer.progress.reporter import Reporter
from llmtrain_trainer.tracking.run import Point, Tracker

THREAD_PREFIX = "tracker-"
"""Beginning of the names of the threads."""
_log = logging.getLogger(__name__)
_LONGEST_QUEUE = 4096
_LARGEST_BATCH = 64
_RETRY_SECONDS = 30.0
_CLOSE_SECONDS = 30.0


class BackgroundTracker:
    """Writes points to a tracker from a thread of its own; a context manager.

    A failed attempt is repeated every half minute. The queue is bounded: points that come while it
    is full are left out. Each kind of trouble is a warning of the stage, given once.

    Args:
        name: name of the tracker, for messages.
        connect: opens the run; called in the thread.
        progress: takes the warnings.
    """

    def __init__(self, name: str, connect: Callable[[], Tracker], progress: Reporter) -> None:
        self._name, self._connect, self._progress = name, connect, progress
        self._queue: queue.SimpleQueue[Point | None] = queue.SimpleQueue()
        self._closing = threading.Event()
        self._tracker: Tracker | None = None
        self._warned: set[str] = set()
        self._left_out = 0
        self._succeeded = False
        self._thread = threading.Thread(
            target=self._run, name=f"{THREAD_PREFIX}{name}", daemon=True
        )

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        self._succeeded = kind is None
        self._closing.set()
        self._queue.put(None)
        self._thread.join(_CLOSE_SECONDS)
        if self._thread.is_alive():
            self._warn("hangs", "did not take the last measurements in time")
        if self._left_out:
            _log.warning("tracking.%s lacks %d measurements", self._name, self._left_out)

    def add(self, point: Point) -> None:
        """Queue a point, or leave it out where the queue is full; never waits."""
        if self._queue.qsize() < _LONGEST_QUEUE:
            self._queue.put(point)
            return
        self._left_out += 1
        self._warn("slow", "is too slow: some measurements are left out")

    def _run(self) -> None:
        self._attempt(lambda _tracker: None)  # a wrong setting fails at the start
        while batch := self._next_batch():
            if not self._deliver(batch):
                self._left_out += len(batch) + self._queue.qsize() - 1  # all but the end's mark
                break
        if self._tracker is not None:
            self._attempt(lambda tracker: tracker.close(succeeded=self._succeeded))

    def _deliver(self, batch: Sequence[Point]) -> bool:
        """Write a batch, however often that takes; once the stage is over, a last time."""
        last = False
        while not self._attempt(lambda tracker: tracker.write(batch)):
            if last:
                return False
            last = self._closing.wait(_RETRY_SECONDS)
        return True

    def _next_batch(self) -> list[Point]:
        """The next points, at least one; none at the end."""
        point, batch = self._queue.get(), []
        while point is not None:
            batch.append(point)
            if len(batch) == _LARGEST_BATCH or self._queue.empty():
                return batch
            point = self._queue.get()
        self._queue.put(None)  # for the next call
        return batch

    def _attempt(self, action: Callable[[Tracker], None]) -> bool:
        try:
            if self._tracker is None:
                self._tracker = self._connect()
            action(self._tracker)
        except Exception as error:  # noqa: BLE001 - a tracker's library may raise anything
            self._warn("failed", f"failed, and training goes on: {in_one_line(error)}")
            return False
        return True

    def _warn(self, trouble: str, text: str) -> None:
        """Warn of a kind of trouble, the first time that there is any."""
        if trouble not in self._warned:
            self._warned.add(trouble)
            warning = f"tracking.{self._name} {text}"
            _log.warning("%s", warning)
            self._progress.update(warnings=(warning,))
