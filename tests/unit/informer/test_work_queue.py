"""Each key once, to one worker at a time, and none is ever lost."""

import asyncio

import pytest

from llmtrain_operator.informer.work_queue import Key, WorkQueue

pytestmark = [pytest.mark.asyncio, pytest.mark.timeout(30)]

A, B = Key("default", "a"), Key("default", "b")
_LONG = 3600.0


async def nothing_comes(queue: WorkQueue) -> bool:
    """Whether a worker would wait now."""
    taking = asyncio.create_task(queue.take())
    await asyncio.wait([taking], timeout=0.05)
    return taking.cancel()


async def test_a_key_comes_once_however_often_it_is_added() -> None:
    queue = WorkQueue()
    for key in (A, B, A, A):
        queue.add(key)
    assert [await queue.take(), await queue.take()] == [A, B]
    assert await nothing_comes(queue)


async def test_what_is_added_while_it_is_at_work_comes_again_afterwards() -> None:
    queue = WorkQueue()
    queue.add(A)
    await queue.take()
    queue.add(A)
    queue.add_after(A, 0)
    assert await nothing_comes(queue)
    queue.done(A)
    assert await queue.take() == A
    queue.done(A)
    assert await nothing_comes(queue)


async def test_a_waiting_worker_is_woken() -> None:
    queue = WorkQueue()
    taking = asyncio.create_task(queue.take())
    await asyncio.wait([taking], timeout=0.01)
    queue.add(A)
    assert await taking == A


async def test_the_earliest_of_several_waits_counts() -> None:
    queue = WorkQueue()
    queue.add_after(A, _LONG)
    queue.add_after(A, 0.01)
    queue.add_after(A, _LONG)
    assert await queue.take() == A
    queue.done(A)
    assert await nothing_comes(queue)


async def test_an_event_does_not_wait_for_the_timer() -> None:
    queue = WorkQueue()
    queue.add_after(A, _LONG)
    queue.add(A)
    assert await queue.take() == A


async def test_each_failure_in_a_row_doubles_the_wait(monkeypatch: pytest.MonkeyPatch) -> None:
    queue, waits = WorkQueue(), []
    monkeypatch.setattr(queue, "add_after", lambda _, seconds: waits.append(seconds))
    for _ in range(3):
        queue.retry(A)
    queue.forget_failures(A)
    queue.retry(A)
    assert waits == [0.5, 1, 2, 0.5]


async def test_the_wait_has_a_limit_however_long_a_key_fails(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    queue, waits = WorkQueue(), []
    monkeypatch.setattr(queue, "add_after", lambda _, seconds: waits.append(seconds))
    for _ in range(2000):
        queue.retry(A)
    assert max(waits) == 64
