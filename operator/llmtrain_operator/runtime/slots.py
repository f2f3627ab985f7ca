"""How many passes are made at a time. A pass that waits for a head takes no place of another."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager


class Slots:
    """Places for passes.

    Args:
        count: of the passes at a time.
    """

    def __init__(self, count: int) -> None:
        self._free = asyncio.Semaphore(count)

    async def take(self) -> None:
        """Wait for a place. Whoever takes it gives it back."""
        await self._free.acquire()

    def give_back(self) -> None:
        """Let another pass begin."""
        self._free.release()

    @asynccontextmanager
    async def lent(self) -> AsyncIterator[None]:
        """Leave the place to others for as long as the context is open."""
        self.give_back()
        try:
            yield
        finally:
            await self.take()
