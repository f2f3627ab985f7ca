"""Follows a job's logs from one attempt to the next, until nothing more will come."""

import asyncio
import time
from http import HTTPStatus

from llmtrain_api.exit_codes import find_outcome
from llmtrain_api.status import JobStatus
from llmtrain_cli.cluster.attempts import Attempt, AttemptSelector, condition_message, has_stopped
from llmtrain_cli.cluster.jobs import find_job
from llmtrain_cli.cluster.log_sources import RayLogs, read_kept_log
from llmtrain_cli.exits import CommandError
from llmtrain_cli.text import echo
from llmtrain_clients.http import UnreachableError
from llmtrain_clients.kubernetes_api import Json, KubernetesApi, KubernetesError

_LOOK_SECONDS = 1.0
_PATIENCE_SECONDS = 60.0
"""Time limit for an API server that does not answer."""


class Follower:
    """Prints logs to standard output, and remarks about them to standard error.

    Args:
        api: client of the cluster.
        body: the job as the API server has it.
        status: the job's status.
        selector: the attempts to follow.
        image: image of the Pod that reads the workspace if the newest attempt has ended.
    """

    def __init__(
        self,
        api: KubernetesApi,
        body: Json,
        status: JobStatus,
        selector: AttemptSelector,
        *,
        image: str | None,
    ) -> None:
        self._api, self._selector, self._image = api, selector, image
        self._body, self._status = body, status
        self._logs = RayLogs(api)
        self._shown: Attempt | None = None
        self._printed = self._said = ""
        self._kept: Attempt | None = None

    async def follow(self) -> None:
        """Print until nothing more will come.

        Raises:
            KubernetesError, RayJobsError: refused; or the API server was not reached for long.
            CommandError: the kept log of an attempt that had ended cannot be read.
        """
        answered, over = time.monotonic(), await self._show_all()
        while not over:
            await asyncio.sleep(_LOOK_SECONDS)
            try:
                over = not await self._look() or await self._show_all()
                answered = time.monotonic()
            except KubernetesError as error:
                refused = 0 < error.status < HTTPStatus.INTERNAL_SERVER_ERROR
                if refused or time.monotonic() - answered > _PATIENCE_SECONDS:
                    raise

    async def _look(self) -> bool:
        """Read the job again; False if it no longer exists."""
        meta = self._body["metadata"]
        found = await find_job(self._api, meta["namespace"], meta["name"])
        if found is None or found[0]["metadata"]["uid"] != meta["uid"]:
            self._say(f"{meta['name']} was removed.")
            return False
        self._body, self._status = found
        return True

    async def _show_all(self) -> bool:
        """Print new output of the newest shown attempt, and of those after it.

        Returns:
            True if nothing more will come.
        """
        begun = self._selector.begun(self._status)
        start = begun.index(self._shown) if self._shown in begun else len(begun) - 1
        for attempt in begun[max(start, 0) :]:
            await self._show(attempt)
        if self._selector.is_over(self._status):
            self._part()
            return True
        if not (begun and begun[-1].is_at_work(self._status)):
            self._say(condition_message(self._status))  # it says what the job waits for
        return False

    async def _show(self, attempt: Attempt) -> None:
        first = self._shown is None
        if attempt != self._shown:
            self._leave()
            self._say(f"--- {attempt}")
            self._shown, self._printed = attempt, ""
        try:
            text = await self._logs.read(self._body, self._status, attempt)
        except UnreachableError as error:
            self._say(str(error))  # as long as the status says that the attempt runs
            return
        if text is None and first and not attempt.is_at_work(self._status):
            text = await self._read_kept(attempt)
        if text is not None:
            echo(text[len(self._printed) :], nl=False)
            self._printed = text

    async def _read_kept(self, attempt: Attempt) -> str | None:
        """The kept log of an ended attempt; None if a later attempt may become readable."""
        self._kept = attempt
        try:
            return await read_kept_log(self._api, self._body, attempt, image=self._image)
        except CommandError as error:
            if self._selector.is_over(self._status):
                raise
            self._say(str(error))
            return None

    def _leave(self) -> None:
        """Report an attempt whose cluster was deleted before its last output was read."""
        if self._shown in {None, self._kept} or find_outcome(self._printed) is not None:
            return
        meta, shown = self._body["metadata"], self._shown
        command = f"llmtrain logs {meta['name']} -n {meta['namespace']}"
        options = f"--stage {shown.stage} --attempt {shown.number}"
        self._say(f"The end of {shown} may be missing: `{command} {options}` reads all of it.")

    def _part(self) -> None:
        self._leave()
        if has_stopped(self._status):
            name, message = self._body["metadata"]["name"], condition_message(self._status)
            self._say(f"{name} is {self._status.phase}: {message}")

    def _say(self, message: str) -> None:
        """Print a remark to standard error, once."""
        if message and message != self._said:
            echo(message, err=True)
            self._said = message
