"""A client of Ray's Jobs REST API. The head runs the job's image, so its answers may be anything.

A run config is sent as a package, which Ray unpacks into the working directory of a stage's
processes. An environment variable holds at most 128 KiB on Linux, and Ray passes all of them on one
command line; a package may have 100 MiB, and Ray's answers do not repeat it.
"""

import hashlib
import io
import json
import logging
import zipfile
from dataclasses import dataclass
from http import HTTPStatus
from typing import Annotated, Any
from urllib.parse import urlencode

from pydantic import BaseModel, Field

from llmtrain_api.exit_codes import Outcome, find_outcome
from llmtrain_api.names import RUN_CONFIG_FILE
from llmtrain_clients.answers import Limit, Model, WrongAnswerError, parse_answer, shown
from llmtrain_clients.http import (
    END_OF_LOG,
    LOG,
    SHORT,
    Http,
    Reply,
    UnreachableError,
)
from llmtrain_lifecycle.snapshot import Obstacle, Submission, SubmissionState

_OWNER_ONLY = 0o600


@dataclass(frozen=True)
class RayPackage:
    """A zip file with its name in Ray's Jobs API."""

    name: str
    """Name made from the content: the same run config is the same package."""
    content: bytes

    @property
    def path(self) -> str:
        """URL path of the upload."""
        return f"/api/packages/gcs/{self.name}"

    @property
    def uri(self) -> str:
        """URI for the `working_dir` of a runtime environment."""
        return f"gcs://{self.name}"


def run_config_package(run_config: dict[str, Any]) -> RayPackage:
    """A package with one file, the run config."""
    archive = io.BytesIO()
    entry = zipfile.ZipInfo(RUN_CONFIG_FILE)  # a fixed date, so that the bytes are the same
    entry.external_attr = _OWNER_ONLY << 16
    with zipfile.ZipFile(archive, "w") as file:
        file.writestr(entry, json.dumps(run_config), zipfile.ZIP_DEFLATED)
    content = archive.getvalue()
    return RayPackage(f"_ray_pkg_{hashlib.sha256(content).hexdigest()[:32]}.zip", content)


log = logging.getLogger(__name__)

_JOBS = "/api/jobs/"
_LOG_FILE = "/api/v0/logs/file"
_LAST_LINES = 100
_EXIT_CODE = 2**31
_LOGGED_CHARACTERS = 500
"""Most characters of a traceback's end, which says what went wrong."""
_ALREADY_THERE = "already exists"
_FINAL = {
    HTTPStatus.BAD_REQUEST,
    HTTPStatus.REQUEST_ENTITY_TOO_LARGE,
    HTTPStatus.UNPROCESSABLE_ENTITY,
}
"""HTTP statuses that would refuse the same request again."""


class RayJobsError(Exception):
    """A request to Ray failed; the message holds no secret and no text of Ray's."""


class RayRefusedError(RayJobsError):
    """Ray refused a request.

    Attributes:
        status: HTTP status.
        text: the answer, which anybody may have written.
    """

    def __init__(self, method: str, reply: Reply) -> None:
        length = len(reply.text)
        super().__init__(f"Ray answered {reply.status} to {method}, with {length} characters")
        self.status, self.text = reply.status, reply.text

    @property
    def as_obstacle(self) -> Obstacle:
        """The obstacle that a refused submission is in the snapshot."""
        return Obstacle("SubmissionRefused", str(self), is_final=self.status in _FINAL)


class _JobDetails(BaseModel):
    """The fields of Ray's reply that we read; Ray may add others."""

    status: str
    driver_exit_code: Annotated[int, Field(ge=-_EXIT_CODE, lt=_EXIT_CODE)] | None = None
    driver_node_id: str | None = None
    message: str | None = None
    """Ray's message; for a failed job it ends with the last lines of its log."""


class _JobLogs(BaseModel):
    """Ray's reply to a request for logs."""

    logs: str


class RayJobs:
    """A client of the Jobs API of one Ray cluster.

    Args:
        http: client of the dashboard, with authentication headers.
    """

    def __init__(self, http: Http) -> None:
        self._http = http

    async def is_ready(self) -> bool:
        """Whether the Jobs API answers."""
        try:
            await self._request("GET", _JOBS)
        except RayJobsError:
            return False
        return True

    async def submit(
        self,
        submission_id: str,
        entrypoint: str,
        run_config: dict[str, Any],
        environment: dict[str, str],
    ) -> None:
        """Start a job, unless this ID has been used.

        Args:
            submission_id: ID of the job.
            entrypoint: command of the job; the path of the run config is appended.
            run_config: run config of the stage, as its trainer reads it.
            environment: environment variables of the job and its child processes.

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
            if _ALREADY_THERE not in error.text:
                raise

    async def get(self, submission_id: str) -> Submission | None:
        """Read a job; None if the cluster does not have it.

        Raises:
            RayJobsError: Ray cannot be reached.
        """
        reply = await self._request("GET", _JOBS + submission_id, missing_is_none=True)
        if reply is None:
            return None
        details = self._parsed(_JobDetails, reply)
        state = _state(details.status)
        if not state.ended:
            return Submission(submission_id, state)
        outcome = await self._outcome(submission_id, details)
        return Submission(submission_id, state, details.driver_exit_code, outcome)

    async def _outcome(self, submission_id: str, details: _JobDetails) -> Outcome | None:
        """The outcome line at the end of the log, however long the log is."""
        query = {
            "submission_id": submission_id,
            "node_id": details.driver_node_id or "",
            "lines": _LAST_LINES,
        }
        try:
            path = f"{_LOG_FILE}?{urlencode(query)}"
            reply = await self._send("GET", path, limit=END_OF_LOG)
        except RayRefusedError:
            return find_outcome(details.message or "")
        return find_outcome(reply.text) or find_outcome(details.message or "")

    async def logs(self, submission_id: str) -> str:
        """The whole log of a job's driver and workers.

        Raises:
            RayJobsError: Ray cannot be reached.
        """
        reply = await self._send("GET", f"{_JOBS}{submission_id}/logs", limit=LOG)
        return self._parsed(_JobLogs, reply).logs

    async def stop(self, submission_id: str) -> None:
        """Send SIGTERM to a job's driver, unless the job has ended or is unknown.

        Raises:
            RayJobsError: Ray cannot be reached.
        """
        await self._request("POST", f"{_JOBS}{submission_id}/stop", missing_is_none=True)

    @staticmethod
    def _parsed(model: type[Model], reply: Reply) -> Model:
        try:
            return parse_answer(model, reply.status, reply.text)
        except WrongAnswerError as error:
            raise RayJobsError(f"Ray cannot be understood: {error}") from error

    async def _request(
        self, method: str, path: str, body: object = None, *, missing_is_none: bool = False
    ) -> Reply | None:
        try:
            return await self._send(method, path, body)
        except RayRefusedError as error:
            if error.status == HTTPStatus.NOT_FOUND and missing_is_none:
                return None
            raise

    async def _send(
        self, method: str, path: str, body: object = None, *, limit: Limit = SHORT
    ) -> Reply:
        try:
            reply = await self._http.request(method, path, body, limit=limit)
        except UnreachableError as error:
            raise RayJobsError(f"Ray cannot be reached: {error}") from error
        if reply.status == HTTPStatus.OK:
            return reply
        if reply.status != HTTPStatus.NOT_FOUND:
            end = shown(reply.text[-_LOGGED_CHARACTERS:])
            log.info("Ray answered %d to %s %s: %s", reply.status, method, path, end)
        raise RayRefusedError(method, reply)


def _state(name: str) -> SubmissionState:
    """The state for Ray's name of it; a newer Ray may have other names."""
    try:
        return SubmissionState(name.capitalize())
    except ValueError:
        log.info("a Ray job has a status that is not known here: %s", shown(name))
        return SubmissionState.OTHER
