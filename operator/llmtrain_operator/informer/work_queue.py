"""The work queue: each job's key once, however often it is added."""

import asyncio
import heapq
import time
from collections import OrderedDict
from typing import NamedTuple

_FIRST_RETRY_SECONDS = 0.5
_MAX_DOUBLINGS = 7


class Key(NamedTuple):
    """Namespace and name of a job."""

    namespace: str
    name: str


class WorkQueue:
    """A queue without duplicates that never gives a key to two workers at once.

    A key that is added while a worker has it returns when that worker is done.
    """

    def __init__(self) -> None:
        self._ready: OrderedDict[Key, float] = OrderedDict()
        """Start of each key's wait, by the monotonic clock."""
        self._taken: set[Key] = set()
        self._again: set[Key] = set()
        self._due: dict[Key, float] = {}
        self._timers: list[tuple[float, Key]] = []
        self._failures: dict[Key, int] = {}
        self._changed = asyncio.Event()

    def __len__(self) -> int:
        return len(self._ready) + len(self._taken)

    @property
    def waits(self) -> list[float]:
        """Waiting time of each key in seconds."""
        now = time.monotonic()
        return [now - since for since in list(self._ready.values())]

    def add(self, key: Key) -> None:
        """Add a key for immediate work."""
        self._due.pop(key, None)
        if key in self._taken:
            self._again.add(key)
        else:
            self._ready.setdefault(key, time.monotonic())
        self._changed.set()

    def add_after(self, key: Key, seconds: float) -> None:
        """Add a key for later, unless it is due earlier anyway."""
        due = time.monotonic() + seconds
        if key in self._ready or self._due.get(key, due) < due:
            return
        self._due[key] = due
        heapq.heappush(self._timers, (due, key))
        self._changed.set()

    def retry(self, key: Key) -> None:
        """Add a key again after a failure.

        Each failure in a row doubles the wait, up to a minute.
        """
        failures = self._failures.get(key, 0)
        self._failures[key] = failures + 1
        self.add_after(key, _FIRST_RETRY_SECONDS * 2 ** min(failures, _MAX_DOUBLINGS))

    def forget_failures(self, key: Key) -> None:
        """Reset a key's failures after a success."""
        self._failures.pop(key, None)

    async def take(self) -> Key:
        """Wait for a key; the caller calls `done` in the end."""
        while True:
            wait = self._ripen()
            if self._ready:
                key, _ = self._ready.popitem(last=False)
                self._taken.add(key)
                return key
            self._changed.clear()
            try:
                await asyncio.wait_for(self._changed.wait(), wait)
            except TimeoutError:
                continue

    def done(self, key: Key) -> None:
        """Release a key that was taken."""
        self._taken.discard(key)
        if key in self._again:
            self._again.discard(key)
            self.add(key)

    def _ripen(self) -> float | None:
        """Make due keys ready; returns the seconds until the next one is due."""
        now = time.monotonic()
        while self._timers:
            due, key = self._timers[0]
            if self._due.get(key) != due:  # the key was rescheduled
                heapq.heappop(self._timers)
            elif due > now:
                return due - now
            else:
                heapq.heappop(self._timers)
                self.add(key)
        return None
