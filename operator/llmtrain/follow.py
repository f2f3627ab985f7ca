"""Follows a job's logs from one attempt to the next, until nothing more will come."""

import asyncio
import time
from collections.abc import AsyncGenerator
from typing import Protocol

from llmtrain.attempts import Attempt, AttemptSelector
from llmtrain.errors import ClusterError, JobStateError, LogError, RayUnreachableError
from llmtrain.jobs import Job, Remark, condition_message, has_stopped
from llmtrain.waiting import is_final
from llmtrain_api.exit_codes import find_outcome
from llmtrain_api.status import JobStatus

_LOOK_SECONDS = 1.0


class LogReader(Protocol):
    """Reads one job's logs.

    Attributes:
        name: name of the job.
    """

    name: str

    async def look(self) -> JobStatus | None:
        """The job's status now; None if the job was removed.

        Raises:
            ClusterError: the API server refuses, or cannot be reached.
        """
        ...

    async def read(self, status: JobStatus, attempt: Attempt) -> str | None:
        """The log of an attempt so far; None if it can no longer be read as it grows.

        Raises:
            RayUnreachableError: the attempt runs, and its Ray does not answer.
            ClusterError: Ray or the API server refuses, or the API server cannot be reached.
        """
        ...

    async def read_kept(self, attempt: Attempt) -> str:
        """The log of an ended attempt, from the workspace.

        Raises:
            LogError: the log cannot be read.
        """
        ...

    async def read_whole(self, status: JobStatus, attempt: Attempt) -> str:
        """The log of an attempt, wherever it is.

        Raises:
            LogError, ClusterError: the log cannot be read.
        """
        ...

    def advice(self, attempt: Attempt) -> str | None:
        """How to read the end of a log that `read` has missed; None if it misses nothing."""
        ...


async def read_logs(
    reader: LogReader, job: Job, selector: AttemptSelector, *, follow: bool, remark: Remark
) -> AsyncGenerator[str, None]:
    """Parts of a job's logs.

    Args:
        reader: reader of the job's logs.
        job: the job.
        selector: the attempts to show; without `follow` the newest of them.
        follow: whether to go on until nothing more will come.
        remark: takes remarks about the logs.

    Raises:
        JobStateError: there is no such stage or attempt.
        ClusterError: refused; or the API server was not reached for long.
        LogError: the log cannot be read.
    """
    if selector.stage is not None and selector.stage not in job.document:
        raise JobStateError(f"{job.name} has no stage {selector.stage}")
    status, selector = job.status, selector.resolve(job.status)
    if not follow or selector.is_over(status) or selector.number is not None:
        selector.newest(job.name, status)  # or report that there is none
    if follow:
        async for text in Follower(reader, status, selector, remark=remark).follow():
            yield text
    elif text := await reader.read_whole(status, selector.newest(job.name, status)):
        yield text


class Follower:
    """Follows a job's logs.

    Args:
        reader: reader of the job's logs.
        status: the job's status.
        selector: the attempts to follow.
        remark: takes remarks about the logs.
    """

    def __init__(
        self, reader: LogReader, status: JobStatus, selector: AttemptSelector, *, remark: Remark
    ) -> None:
        self._reader, self._status = reader, status
        self._selector, self._remark = selector, remark
        self._shown: Attempt | None = None
        self._printed = self._said = ""
        self._kept: Attempt | None = None
        self._over = False

    async def follow(self) -> AsyncGenerator[str, None]:
        """New output, part by part, until nothing more will come.

        Raises:
            ClusterError: refused; or the API server was not reached for long.
            LogError: the kept log of an attempt that had ended cannot be read.
        """
        async for text in self._news():
            yield text
        answered = time.monotonic()
        while not self._over:
            await asyncio.sleep(_LOOK_SECONDS)
            try:
                if not await self._look():
                    return
                async for text in self._news():
                    yield text
                answered = time.monotonic()
            except ClusterError as error:
                if is_final(error, since=answered):
                    raise

    async def _look(self) -> bool:
        """Read the status again; False if the job no longer exists."""
        status = await self._reader.look()
        if status is None:
            self._say(f"{self._reader.name} was removed.")
            return False
        self._status = status
        return True

    async def _news(self) -> AsyncGenerator[str, None]:
        """New output of the newest shown attempt, and of those after it."""
        begun = self._selector.begun(self._status)
        start = begun.index(self._shown) if self._shown in begun else len(begun) - 1
        for attempt in begun[max(start, 0) :]:
            if text := await self._new_text(attempt):
                yield text
        if self._selector.is_over(self._status):
            self._part()
            self._over = True
        elif not (begun and begun[-1].is_at_work(self._status)):
            self._say(condition_message(self._status))  # it says what the job waits for

    async def _new_text(self, attempt: Attempt) -> str:
        first = self._shown is None
        if attempt != self._shown:
            self._leave()
            self._say(f"--- {attempt}")
            self._shown, self._printed = attempt, ""
        try:
            text = await self._reader.read(self._status, attempt)
        except RayUnreachableError as error:
            self._say(str(error))  # as long as the status says that the attempt runs
            return ""
        if text is None and first and not attempt.is_at_work(self._status):
            text = await self._read_kept(attempt)
        if text is None:
            return ""
        new, self._printed = text[len(self._printed) :], text
        return new

    async def _read_kept(self, attempt: Attempt) -> str | None:
        """The kept log of an ended attempt; None if a later attempt may become readable."""
        self._kept = attempt
        try:
            return await self._reader.read_kept(attempt)
        except LogError as error:
            if self._selector.is_over(self._status):
                raise
            self._say(str(error))
            return None

    def _leave(self) -> None:
        """Report an attempt whose cluster was deleted before its last output was read."""
        if self._shown in {None, self._kept} or find_outcome(self._printed) is not None:
            return
        assert self._shown is not None, "the line above returns"
        if advice := self._reader.advice(self._shown):
            self._say(f"The end of {self._shown} may be missing: {advice}.")

    def _part(self) -> None:
        self._leave()
        if has_stopped(self._status):
            message = condition_message(self._status)
            self._say(f"{self._reader.name} is {self._status.phase}: {message}")

    def _say(self, message: str) -> None:
        """Make a remark, once."""
        if message and message != self._said:
            self._remark(message)
            self._said = message
