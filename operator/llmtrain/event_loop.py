"""Runs coroutines for a program that has no event loop, or has one of its own, as notebooks do."""

import asyncio
import threading
from collections.abc import AsyncGenerator, Coroutine, Iterator
from typing import Any, TypeVar

Result = TypeVar("Result")


class EventLoop:
    """An event loop in a thread of its own."""

    def __init__(self) -> None:
        self._loop = asyncio.new_event_loop()
        # A daemon: a program that forgets to close its client ends all the same.
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)
        self._thread.start()

    def run(self, work: Coroutine[Any, Any, Result]) -> Result:
        """Run a coroutine to its end; Ctrl-C cancels it, and waits until it has cleaned up."""
        tasks: list[asyncio.Task[Result]] = []

        async def known() -> Result:
            task = asyncio.current_task()
            assert task is not None, "this is one"
            tasks.append(task)
            return await work

        # Inside of `try` from the first: Ctrl-C may come as soon as the coroutine runs.
        try:
            return asyncio.run_coroutine_threadsafe(known(), self._loop).result()
        except KeyboardInterrupt:
            asyncio.run_coroutine_threadsafe(_cancelled(tasks), self._loop).result()
            raise

    def iterate(self, parts: AsyncGenerator[Result, None]) -> Iterator[Result]:
        """The items of an asynchronous generator, as they come."""
        try:
            while found := self.run(_next(parts)):
                yield found[0]
        finally:
            self.run(_closed(parts))

    def close(self) -> None:
        """End the thread."""
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()


async def _cancelled(tasks: list[asyncio.Task[Result]]) -> None:
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)


async def _next(parts: AsyncGenerator[Result, None]) -> tuple[Result, ...]:
    """The next item; empty at the end."""
    async for part in parts:
        return (part,)
    return ()


async def _closed(parts: AsyncGenerator[Any, None]) -> None:
    await parts.aclose()
