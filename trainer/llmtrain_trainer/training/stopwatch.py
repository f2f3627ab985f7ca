"""Where a rank's time goes: at any moment to one bucket."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Literal

from llmtrain_api.goodput import WorkSeconds

Bucket = Literal[
    "start_up", "restore", "data_wait", "productive", "checkpoint_save", "evaluation", "other"
]


class Stopwatch:
    """Counts seconds by bucket, from `start_up` on.

    Args:
        clock: monotonic, in seconds.
    """

    def __init__(self, clock: Callable[[], float] = time.perf_counter) -> None:
        self._clock = clock
        self._seconds: dict[Bucket, float] = {}
        self._bucket: Bucket = "start_up"
        self._since = clock()
        self._committed = 0.0

    def turn_to(self, bucket: Bucket) -> Bucket:
        """Count for this bucket from now on; returns the one before."""
        now, before = self._clock(), self._bucket
        self._seconds[before] = self._seconds.get(before, 0.0) + now - self._since
        self._bucket, self._since = bucket, now
        return before

    @contextmanager
    def measure(self, bucket: Bucket) -> Iterator[None]:
        """Count for this bucket within the context, and then for the one before again."""
        before = self.turn_to(bucket)
        try:
            yield
        finally:
            self.turn_to(before)

    def commit(self) -> None:
        """Take note that all work so far is kept."""
        self.turn_to(self._bucket)
        self._committed = self._seconds.get("productive", 0.0)

    @property
    def work(self) -> WorkSeconds:
        """All seconds until now."""
        self.turn_to(self._bucket)
        uncommitted = self._seconds.get("productive", 0.0) - self._committed
        return WorkSeconds.model_validate({"uncommitted": uncommitted, **self._seconds})
