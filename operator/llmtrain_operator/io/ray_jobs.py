"""Ray's Jobs REST API."""

from http import HTTPStatus
from types import TracebackType
from typing import Self

import aiohttp
from pydantic import BaseModel

from llmtrain_api.exit_codes import find_outcome
from llmtrain_api.names import RUN_CONFIG_VARIABLE
from llmtrain_api.run_config import RunConfig
from llmtrain_operator.core.snapshot import Submission, SubmissionState

_TIMEOUT = aiohttp.ClientTimeout(total=30, connect=5)
_ALREADY_THERE = "already exists"


class RayJobsError(Exception):
    """Ray did not do what it was asked; the message holds no secret."""


class _JobDetails(BaseModel):
    """The part of Ray's reply that we read; Ray may add to it as it likes."""

    status: str
    driver_exit_code: int | None = None


class _JobLogs(BaseModel):
    """Ray's reply to a request for logs."""

    logs: str


class RayJobs:
    """A client of one Ray cluster; a context manager.

    Args:
        url: of the dashboard, without a slash at the end.
        token: of the cluster.
    """

    def __init__(self, url: str, token: str) -> None:
        self._url = f"{url}/api/jobs/"
        # Proxies, such as the Kubernetes API server, keep `Authorization` for themselves.
        self._headers = {
            "Authorization": f"Bearer {token}",
            "X-Ray-Authorization": f"Bearer {token}",
        }
        self._session: aiohttp.ClientSession | None = None

    async def __aenter__(self) -> Self:
        self._session = aiohttp.ClientSession(headers=self._headers, timeout=_TIMEOUT)
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        assert self._session is not None, "entered before"
        await self._session.close()

    async def is_ready(self) -> bool:
        """Whether the cluster answers."""
        try:
            await self._request("GET", "")
        except RayJobsError:
            return False
        return True

    async def submit(
        self,
        submission_id: str,
        entrypoint: str,
        run_config: RunConfig,
        environment: dict[str, str],
    ) -> None:
        """Start a job; one that has this id already is left as it is.

        Raises:
            RayJobsError: Ray refused, or cannot be reached.
        """
        variables = environment | {RUN_CONFIG_VARIABLE: run_config.model_dump_json()}
        body = {
            "submission_id": submission_id,
            "entrypoint": entrypoint,
            "runtime_env": {"env_vars": variables},
        }
        try:
            await self._request("POST", "", body)
        except RayJobsError as error:
            if _ALREADY_THERE not in str(error):
                raise

    async def get(self, submission_id: str) -> Submission | None:
        """A job; None where the cluster does not know it.

        Raises:
            RayJobsError: Ray cannot be reached.
        """
        text = await self._request("GET", submission_id, missing_is_none=True)
        if text is None:
            return None
        details = _JobDetails.model_validate_json(text)
        state = SubmissionState(details.status.capitalize())
        if not state.ended:
            return Submission(submission_id, state)
        outcome = find_outcome(await self.logs(submission_id))
        return Submission(submission_id, state, details.driver_exit_code, outcome)

    async def logs(self, submission_id: str) -> str:
        """All that a job's driver and its workers have printed.

        Raises:
            RayJobsError: Ray cannot be reached.
        """
        text = await self._request("GET", f"{submission_id}/logs")
        return _JobLogs.model_validate_json(text or "").logs

    async def stop(self, submission_id: str) -> None:
        """Send a job's driver SIGTERM; one that has ended, or is unknown, is left as it is.

        Raises:
            RayJobsError: Ray cannot be reached.
        """
        await self._request("POST", f"{submission_id}/stop", missing_is_none=True)

    async def _request(
        self, method: str, path: str, body: object = None, *, missing_is_none: bool = False
    ) -> str | None:
        assert self._session is not None, "entered before"
        try:
            async with self._session.request(method, self._url + path, json=body) as reply:
                text = await reply.text()
        except (aiohttp.ClientError, TimeoutError) as error:
            raise RayJobsError(f"Ray cannot be reached: {type(error).__name__}") from error
        if reply.status == HTTPStatus.NOT_FOUND and missing_is_none:
            return None
        if reply.status != HTTPStatus.OK:
            raise RayJobsError(f"Ray answered {reply.status} to {method}: {text[-2000:]}")
        return text
