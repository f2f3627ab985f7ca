"""Ray's Jobs REST API."""

from http import HTTPStatus

from pydantic import BaseModel

from llmtrain_api.exit_codes import find_outcome
from llmtrain_api.names import RUN_CONFIG_FILE
from llmtrain_api.run_config import RunConfig
from llmtrain_operator.core.snapshot import Obstacle, Submission, SubmissionState
from llmtrain_operator.io.http import Http, UnreachableError
from llmtrain_operator.io.ray_package import run_config_package

_JOBS = "/api/jobs/"
_ALREADY_THERE = "already exists"
_FINAL = {
    HTTPStatus.BAD_REQUEST,
    HTTPStatus.REQUEST_ENTITY_TOO_LARGE,
    HTTPStatus.UNPROCESSABLE_ENTITY,
}
"""The request itself is at fault: the same one would be refused again."""


class RayJobsError(Exception):
    """Ray did not do what it was asked; the message holds no secret."""


class RayRefusedError(RayJobsError):
    """Ray answered, and did not do what it was asked.

    Attributes:
        status: of HTTP.
    """

    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.status = status

    @property
    def as_obstacle(self) -> Obstacle:
        """What a pass makes of a submission that was refused."""
        return Obstacle("SubmissionRefused", str(self), is_final=self.status in _FINAL)


class _JobDetails(BaseModel):
    """The part of Ray's reply that we read; Ray may add to it as it likes."""

    status: str
    driver_exit_code: int | None = None
    message: str | None = None
    """Of a job that failed it ends with the last lines of its log."""


class _JobLogs(BaseModel):
    """Ray's reply to a request for logs."""

    logs: str


class RayJobs:
    """A client of one Ray cluster.

    Args:
        http: its dashboard, with the headers that it asks for.
    """

    def __init__(self, http: Http) -> None:
        self._http = http

    async def is_ready(self) -> bool:
        """Whether the cluster answers."""
        try:
            await self._request("GET", _JOBS)
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

        Args:
            submission_id: of the job.
            entrypoint: its command, to which the path of the run config is added.
            run_config: what it is to do.
            environment: variables for it and all that it starts.

        Raises:
            RayJobsError: Ray refused, or cannot be reached.
        """
        package = run_config_package(run_config)
        await self._request("PUT", package.path, package.content)
        body = {
            "submission_id": submission_id,
            "entrypoint": f"{entrypoint} {RUN_CONFIG_FILE}",
            "runtime_env": {"env_vars": environment, "working_dir": package.uri},
        }
        try:
            await self._request("POST", _JOBS, body)
        except RayRefusedError as error:
            if _ALREADY_THERE not in str(error):
                raise

    async def get(self, submission_id: str) -> Submission | None:
        """A job; None where the cluster does not know it.

        Raises:
            RayJobsError: Ray cannot be reached.
        """
        text = await self._request("GET", _JOBS + submission_id, missing_is_none=True)
        if text is None:
            return None
        details = _JobDetails.model_validate_json(text)
        state = SubmissionState(details.status.capitalize())
        if not state.ended:
            return Submission(submission_id, state)
        try:
            log = await self.logs(submission_id)
        except RayRefusedError:
            log = details.message or ""  # Ray cannot read a log with a byte that is no UTF-8
        return Submission(submission_id, state, details.driver_exit_code, find_outcome(log))

    async def logs(self, submission_id: str) -> str:
        """All that a job's driver and its workers have printed.

        Raises:
            RayJobsError: Ray cannot be reached.
        """
        text = await self._request("GET", f"{_JOBS}{submission_id}/logs")
        return _JobLogs.model_validate_json(text or "").logs

    async def stop(self, submission_id: str) -> None:
        """Send a job's driver SIGTERM; one that has ended, or is unknown, is left as it is.

        Raises:
            RayJobsError: Ray cannot be reached.
        """
        await self._request("POST", f"{_JOBS}{submission_id}/stop", missing_is_none=True)

    async def _request(
        self, method: str, path: str, body: object = None, *, missing_is_none: bool = False
    ) -> str | None:
        try:
            reply = await self._http.request(method, path, body)
        except UnreachableError as error:
            raise RayJobsError(f"Ray cannot be reached: {error}") from error
        if reply.status == HTTPStatus.NOT_FOUND and missing_is_none:
            return None
        if reply.status != HTTPStatus.OK:
            message = f"Ray answered {reply.status} to {method}: {reply.text[-2000:]}"
            raise RayRefusedError(reply.status, message)
        return reply.text
