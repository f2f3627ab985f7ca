"""Keys of jobs that are to be looked at: each once, however often it was asked for."""

import asyncio
import heapq
import time
from collections import OrderedDict
from typing import NamedTuple

_FIRST_RETRY_SECONDS = 0.5
_MAX_DOUBLINGS = 7


class Key(NamedTuple):
    """The name of a job."""

    namespace: str
    name: str


class WorkQueue:
    """A queue without duplicates, of which no key is handed to two workers at once.

    A key that is added while a worker has it comes again when that one is done.
    """

    def __init__(self) -> None:
        self._ready: OrderedDict[Key, float] = OrderedDict()
        """Since when each waits, by the monotonic clock."""
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
        """Seconds that each key has waited to be taken."""
        now = time.monotonic()
        return [now - since for since in list(self._ready.values())]

    def add(self, key: Key) -> None:
        """Have a key looked at as soon as may be."""
        self._due.pop(key, None)
        if key in self._taken:
            self._again.add(key)
        else:
            self._ready.setdefault(key, time.monotonic())
        self._changed.set()

    def add_after(self, key: Key, seconds: float) -> None:
        """Have a key looked at after a while, or earlier where that was asked for."""
        due = time.monotonic() + seconds
        if key in self._ready or self._due.get(key, due) < due:
            return
        self._due[key] = due
        heapq.heappush(self._timers, (due, key))
        self._changed.set()

    def retry(self, key: Key) -> None:
        """Have a key looked at again after a failure.

        Each one in a row doubles the wait, up to a minute.
        """
        failures = self._failures.get(key, 0)
        self._failures[key] = failures + 1
        self.add_after(key, _FIRST_RETRY_SECONDS * 2 ** min(failures, _MAX_DOUBLINGS))

    def forget_failures(self, key: Key) -> None:
        """The key was looked at without one."""
        self._failures.pop(key, None)

    async def take(self) -> Key:
        """Wait for a key. Whoever takes it says `done` in the end."""
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
        """The key may be handed out again."""
        self._taken.discard(key)
        if key in self._again:
            self._again.discard(key)
            self.add(key)

    def _ripen(self) -> float | None:
        """Move what is due among the ready; returns the seconds until the next."""
        now = time.monotonic()
        while self._timers:
            due, key = self._timers[0]
            if self._due.get(key) != due:  # it was put off, or brought forward
                heapq.heappop(self._timers)
            elif due > now:
                return due - now
            else:
                heapq.heappop(self._timers)
                self.add(key)
        return None
