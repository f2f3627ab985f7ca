"""Coroutines run for a program without an event loop, inside of one, and until Ctrl-C."""

import asyncio
import signal
import threading
from collections.abc import AsyncGenerator, Coroutine, Iterator

import pytest

from llmtrain.event_loop import EventLoop


@pytest.fixture
def loop() -> Iterator[EventLoop]:
    running = EventLoop()
    yield running
    running.close()


async def _numbers(closed: list[bool]) -> AsyncGenerator[int, None]:
    try:
        for number in range(3):
            await asyncio.sleep(0)
            yield number
    finally:
        closed.append(True)


async def test_it_runs_where_another_loop_runs_as_in_a_notebook(loop: EventLoop) -> None:
    assert loop.run(asyncio.sleep(0, "result")) == "result"
    assert list(loop.iterate(_numbers([]))) == [0, 1, 2]


def test_an_error_is_raised_where_the_result_is_awaited(loop: EventLoop) -> None:
    async def fail() -> None:
        raise ValueError("it is wrong")

    with pytest.raises(ValueError, match="it is wrong"):
        loop.run(fail())


def test_an_iterator_that_is_left_early_cleans_up(loop: EventLoop) -> None:
    closed: list[bool] = []
    parts = loop.iterate(_numbers(closed))
    assert next(parts) == 0
    assert not closed
    parts.close()  # type: ignore[attr-defined]
    assert closed


def test_ctrl_c_waits_until_the_work_has_cleaned_up(loop: EventLoop) -> None:
    cleaned: list[bool] = []
    main = threading.main_thread().ident
    assert main is not None

    async def work() -> None:
        try:
            signal.pthread_kill(main, signal.SIGINT)
            await asyncio.Event().wait()
        finally:
            await asyncio.sleep(0.01)
            cleaned.append(True)

    with pytest.raises(KeyboardInterrupt):
        loop.run(work())
    assert cleaned


def test_ctrl_c_as_soon_as_the_work_runs(loop: EventLoop, monkeypatch: pytest.MonkeyPatch) -> None:
    began = threading.Event()
    cleaned: list[bool] = []
    submit = asyncio.run_coroutine_threadsafe

    def interrupted(work: Coroutine[None, None, None], to: asyncio.AbstractEventLoop) -> object:
        monkeypatch.setattr(asyncio, "run_coroutine_threadsafe", submit)
        submit(work, to)
        began.wait()
        raise KeyboardInterrupt

    async def work() -> None:
        try:
            began.set()
            await asyncio.Event().wait()
        finally:
            cleaned.append(True)

    monkeypatch.setattr(asyncio, "run_coroutine_threadsafe", interrupted)
    with pytest.raises(KeyboardInterrupt):
        loop.run(work())
    assert cleaned
