"""The keeper of a worker group: who may use it, what ranks get to do, when it ends."""

import asyncio
import subprocess
import threading
from collections.abc import Iterator

import psutil
import pytest

from llmtrain_api.run_config import Workers
from llmtrain_trainer.errors import WorkerLostError
from llmtrain_trainer.launch import keeper as module
from llmtrain_trainer.launch.assignment import Assignment, DriverProcess, Work
from llmtrain_trainer.launch.keeper import Keeper
from llmtrain_trainer.runner import StageResult
from llmtrain_trainer.stage import ReportAddress

TWO = Workers(count=2, cpus=1, gpus=0)
_COUNTED = StageResult(counted_tokens=())


class Ranks:
    """Stands in for Ray Train: nothing starts, and the group fails when the test says so."""

    def __init__(self) -> None:
        self.ended = threading.Event()
        self.started = 0

    def start(self, _config: str) -> None:
        self.started += 1


@pytest.fixture
def ranks(monkeypatch: pytest.MonkeyPatch) -> Iterator[Ranks]:
    ranks = Ranks()
    monkeypatch.setattr(Keeper, "_start_ranks", ranks.start)
    monkeypatch.setattr(module, "leave_at_once", lambda _code: ranks.ended.set())
    yield ranks
    monkeypatch.setattr(DriverProcess, "lives", False)  # ends the threads that watch
    monkeypatch.setattr(module, "IDLE_SECONDS", -1.0)
    assert ranks.ended.wait(10)


def assignment(work: Work) -> Assignment:
    return Assignment(work, "{}", ReportAddress("http://127.0.0.1", "token"), "02000000")


def test_all_ranks_train_and_rank_0_works_alone(ranks: Ranks) -> None:
    async def two_stages() -> None:
        keeper = Keeper(TWO, DriverProcess.current())
        first = asyncio.create_task(keeper.run(assignment(Work.TRAIN)))
        for rank in (0, 1):
            got = await keeper.next_assignment(rank, after=0)
            assert (got.work, got.number) == (Work.TRAIN, 1)
        await keeper.finish(0, StageResult(), reusable=True)
        assert not first.done()
        waiting = asyncio.create_task(keeper.next_assignment(1, after=1))
        await keeper.finish(1, StageResult(), reusable=True)
        await first

        second = asyncio.create_task(keeper.run(assignment(Work.WORK)))
        assert (await keeper.next_assignment(0, after=1)).work is Work.WORK
        await keeper.finish(0, _COUNTED, reusable=True)
        assert await second is _COUNTED
        assert not waiting.done()  # no work for rank 1 until the ranks train again

        third = asyncio.create_task(keeper.run(assignment(Work.TRAIN)))
        assert (await waiting).number == 3
        for rank in (0, 1):
            await keeper.finish(rank, StageResult(), reusable=True)
        await third
        assert ranks.started == 1

    asyncio.run(two_stages())


def test_ranks_that_started_early_get_the_first_assignment(ranks: Ranks) -> None:
    async def early() -> None:
        keeper = Keeper(TWO, DriverProcess.current())
        await keeper.start_ranks("{}")
        waiting = asyncio.create_task(keeper.next_assignment(1, after=0))
        await keeper.release()
        assert await keeper.claim(DriverProcess.current(), TWO)
        running = asyncio.create_task(keeper.run(assignment(Work.TRAIN)))
        assert (await waiting).work is Work.TRAIN
        for rank in (0, 1):
            await keeper.finish(rank, StageResult(), reusable=True)
        await running
        assert ranks.started == 1

    asyncio.run(early())


def test_ranks_that_failed_early_are_not_taken_over(ranks: Ranks) -> None:
    async def early() -> None:
        keeper = Keeper(TWO, DriverProcess.current())
        await keeper.start_ranks("{}")
        await keeper.fail(WorkerLostError("worker 1 was lost"))
        await keeper.release()
        assert not await keeper.claim(DriverProcess.current(), TWO)

    asyncio.run(early())
    assert ranks.ended.wait(10)


def test_only_the_next_driver_with_the_same_workers_gets_an_idle_group(ranks: Ranks) -> None:
    async def claims() -> None:
        driver = DriverProcess.current()
        keeper = Keeper(TWO, driver)
        assert not await keeper.claim(driver, TWO), "its first driver has not released it"
        await keeper.release()
        assert not await keeper.claim(driver, TWO.replace(count=1))
        assert await keeper.claim(driver, TWO)
        assert not await keeper.claim(driver, TWO)

    asyncio.run(claims())
    assert ranks.started == 0


def test_a_failure_reaches_the_driver_and_spends_the_group(ranks: Ranks) -> None:
    async def failing() -> None:
        keeper = Keeper(TWO, DriverProcess.current())
        running = asyncio.create_task(keeper.run(assignment(Work.TRAIN)))
        await keeper.next_assignment(0, after=0)
        await keeper.fail(WorkerLostError("worker 1 was lost"))
        with pytest.raises(WorkerLostError, match="worker 1 was lost"):
            await running
        assert not ranks.ended.is_set(), "the driver still needs the answer"
        await keeper.release()
        assert not await keeper.claim(DriverProcess.current(), TWO)

    asyncio.run(failing())
    assert ranks.ended.wait(10)


def test_a_process_that_is_not_as_new_spends_the_group(ranks: Ranks) -> None:
    async def used_up() -> None:
        keeper = Keeper(TWO, DriverProcess.current())
        running = asyncio.create_task(keeper.run(assignment(Work.WORK)))
        await keeper.next_assignment(0, after=0)
        await keeper.finish(0, StageResult(), reusable=False)
        await running  # the stage itself has succeeded
        await keeper.release()
        assert not await keeper.claim(DriverProcess.current(), TWO)

    asyncio.run(used_up())
    assert ranks.ended.wait(10)


@pytest.mark.parametrize("claimed_again", [False, True])
def test_a_group_ends_with_its_driver(ranks: Ranks, claimed_again: bool) -> None:  # noqa: FBT001
    with subprocess.Popen(["cat"], stdin=subprocess.PIPE) as process:
        driver = DriverProcess(process.pid, psutil.Process(process.pid).create_time())
        keeper = Keeper(TWO, DriverProcess.current() if claimed_again else driver)
        if claimed_again:
            asyncio.run(keeper.release())
            assert asyncio.run(keeper.claim(driver, TWO))
        assert driver.lives
        process.kill()
        assert ranks.ended.wait(10)


def test_a_number_that_another_process_has_now_is_no_driver() -> None:
    current = DriverProcess.current()
    assert current.lives
    assert not DriverProcess(current.pid, current.created - 1).lives


def test_an_idle_group_ends_after_a_while(ranks: Ranks, monkeypatch: pytest.MonkeyPatch) -> None:
    keeper = Keeper(TWO, DriverProcess.current())
    asyncio.run(keeper.release())
    assert not keeper._is_deserted()
    monkeypatch.setattr(module, "IDLE_SECONDS", -1.0)
    assert ranks.ended.wait(10)
