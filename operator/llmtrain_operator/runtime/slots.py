"""Limits concurrent reconciles. A reconcile that waits for a head lends its slot to another."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager


class Slots:
    """Slots for reconciles.

    Args:
        count: most reconciles at a time.
    """

    def __init__(self, count: int) -> None:
        self._free = asyncio.Semaphore(count)

    async def take(self) -> None:
        """Wait for a slot; the caller gives it back."""
        await self._free.acquire()

    def give_back(self) -> None:
        """Free a slot."""
        self._free.release()

    @asynccontextmanager
    async def lent(self) -> AsyncIterator[None]:
        """Free a slot while the context is open."""
        self.give_back()
        try:
            yield
        finally:
            await self.take()
