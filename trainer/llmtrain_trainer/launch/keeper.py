"""The keeper of a worker group: a Ray actor whose ranks live on between the stages of a job.

Ray ends all processes of a driver with it, but not those that a detached actor started. So Ray
Train runs in this actor, and the drivers of consecutive stages hand their work to it. In exchange
it must know when to end: with a driver that dies, with a group that fails, or after a time without
work. Its ranks end with it, which Ray sees to.
"""

import asyncio
import os
import threading
import time
from collections.abc import Callable
from dataclasses import replace

import ray

from llmtrain_api.run_config import Workers
from llmtrain_trainer.launch.assignment import Assignment, DriverProcess
from llmtrain_trainer.runner import StageResult

leave_at_once: Callable[[int], None] = os._exit
_LOOK_SECONDS = 0.5
IDLE_SECONDS = 120.0
"""Longest time without a driver: the next stage follows in seconds, or never."""


class Keeper:
    """Starts the ranks, at the latest with the first assignment; keeps them while stages succeed.

    All methods run in one event loop; Ray Train waits in a thread of its own.

    Args:
        workers: the ranks to start.
        driver: process of the driver that makes it.
    """

    def __init__(self, workers: Workers, driver: DriverProcess) -> None:
        self._workers = workers
        self._driver: DriverProcess | None = driver
        self._released_at = 0.0
        self._changed = asyncio.Condition()
        self._has_ranks = False
        self._assignment: Assignment | None = None
        self._results: dict[int, StageResult] = {}
        self._failure: Exception | None = None
        self._is_reusable = True
        threading.Thread(target=self._watch, name="driver-watch", daemon=True).start()

    async def claim(self, driver: DriverProcess, workers: Workers) -> bool:
        """Take a driver's orders from now on; False if these are not the ranks that it needs.

        Args:
            driver: its process, on this machine.
            workers: the ranks that it needs.
        """
        if self._driver is not None or workers != self._workers or not self._is_reusable:
            return False
        self._driver = driver
        return True

    async def run(self, assignment: Assignment) -> StageResult:
        """Have the ranks do a piece of work, and wait for its end.

        Raises:
            StageError: a rank's error.
            WorkerLostError: a rank's process or machine was lost.
        """
        async with self._changed:
            number = 1 if self._assignment is None else self._assignment.number + 1
            self._assignment, self._results = replace(assignment, number=number), {}
            self._changed.notify_all()
        await self.start_ranks(assignment.config)
        async with self._changed:
            await self._changed.wait_for(lambda: self._failure is not None or self._is_done())
        if self._failure is not None:
            raise self._failure
        return self._results[0]

    async def start_ranks(self, config: str) -> None:
        """Start the ranks, unless they were started before; nobody waits for them.

        Args:
            config: run config of the attempt that asks, as JSON.
        """
        if not self._has_ranks:
            self._has_ranks = True
            self._start_ranks(config)

    async def release(self) -> None:
        """Let the driver end after a stage that succeeded, and wait for the next one's."""
        self._driver, self._released_at = None, time.monotonic()

    async def next_assignment(self, rank: int, after: int) -> Assignment:
        """Wait for the next assignment of a rank.

        Args:
            rank: the rank that asks.
            after: number of its last one; 0 at first.
        """

        def has_come() -> bool:
            newest = self._assignment
            return newest is not None and newest.number > after and newest.is_for(rank)

        async with self._changed:
            await self._changed.wait_for(has_come)
            assert self._assignment is not None, "it has come"
            return self._assignment

    async def finish(self, rank: int, result: StageResult, *, reusable: bool) -> None:
        """Take the end of an assignment, of one rank.

        Args:
            rank: the rank that speaks.
            result: figures of the stage; those of rank 0 count.
            reusable: whether its process is as good as new.
        """
        async with self._changed:
            self._results[rank] = result
            self._is_reusable = self._is_reusable and reusable
            self._changed.notify_all()

    async def fail(self, failure: Exception) -> None:
        """Take what the group has failed of; the first failure is the cause of those after it."""
        async with self._changed:
            self._failure, self._is_reusable = self._failure or failure, False
            self._changed.notify_all()

    def _is_done(self) -> bool:
        assert self._assignment is not None, "the driver waits for it"
        taking_part = filter(self._assignment.is_for, range(self._workers.count))
        return all(rank in self._results for rank in taking_part)

    def _start_ranks(self, config: str) -> None:
        loop = asyncio.get_running_loop()
        own = ray.get_runtime_context().current_actor

        def fit() -> None:
            from llmtrain_trainer.launch.ray_train import fit_ranks  # the driver loads no torch

            failure = fit_ranks(config, own)
            asyncio.run_coroutine_threadsafe(self.fail(failure), loop)

        threading.Thread(target=fit, name="ray-train", daemon=True).start()

    def _watch(self) -> None:
        """End this process, and so the ranks, once they work for nobody."""
        pause = threading.Event()
        while not self._is_deserted():
            pause.wait(_LOOK_SECONDS)
        leave_at_once(0)

    def _is_deserted(self) -> bool:
        driver = self._driver
        if driver is not None:
            return not driver.lives
        return not self._is_reusable or time.monotonic() - self._released_at > IDLE_SECONDS
