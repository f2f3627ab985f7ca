"""Faults of watches: what a broken network or a lagging API server does to their events.

Each fault is called with an event, a line of JSON, and returns the lines that arrive instead.
"""

from collections import deque


class dropping:  # noqa: N801 - read as a word: "with dropping"
    """Every third event is lost."""

    def __init__(self) -> None:
        self._count = 0

    def __call__(self, line: bytes) -> list[bytes]:
        """The event, or nothing."""
        self._count += 1
        return [] if self._count % 3 == 0 else [line]


class doubling:  # noqa: N801
    """Every event comes twice."""

    def __call__(self, line: bytes) -> list[bytes]:
        """The event, and once more."""
        return [line, line]


class late:  # noqa: N801
    """Every other event comes after the one that follows it."""

    def __init__(self) -> None:
        self._held: list[bytes] = []

    def __call__(self, line: bytes) -> list[bytes]:
        """Nothing now, or two events in the wrong order."""
        if not self._held:
            self._held = [line]
            return []
        held, self._held = self._held, []
        return [line, *held]


class stale:  # noqa: N801
    """Old events come again."""

    def __init__(self) -> None:
        self._seen: deque[bytes] = deque(maxlen=20)

    def __call__(self, line: bytes) -> list[bytes]:
        """The event, and after it one of long ago."""
        self._seen.append(line)
        return [line, self._seen[0]]
