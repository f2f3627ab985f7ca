"""What Ray's Jobs REST API answers, and what follows from it."""

import json
from dataclasses import dataclass

import pytest

from llmtrain_api.exit_codes import ExitCode
from llmtrain_operator.core.snapshot import SubmissionState
from llmtrain_operator.io.http import Reply, UnreachableError
from llmtrain_operator.io.ray_jobs import RayJobs, RayJobsError

_LAST_WORDS = 'llmtrain-outcome: {"reason": "InvalidData", "message": "line 3"}'


@dataclass
class _Ray:
    """Knows one job, which has failed; answers for its log as it is told."""

    log: Reply | None

    async def request(self, method: str, path: str, body: object = None) -> Reply:
        assert (method, body) == ("GET", None)
        if path.endswith("/logs"):
            if self.log is None:
                raise UnreachableError("TimeoutError")
            return self.log
        message = f"failed, last available logs:\nat work\n{_LAST_WORDS}\n"
        known = {"status": "FAILED", "driver_exit_code": ExitCode.USER, "message": message}
        return Reply(200, json.dumps(known))


async def test_a_log_that_ray_cannot_read_hides_no_end() -> None:
    """One byte that is no UTF-8 is enough."""
    submission = await RayJobs(_Ray(Reply(500, "UnicodeDecodeError"))).get("it")
    assert submission is not None
    assert submission.state is SubmissionState.FAILED
    assert submission.exit_code == ExitCode.USER
    assert submission.outcome is not None
    assert submission.outcome.reason == "InvalidData"


async def test_a_log_that_does_not_come_is_asked_for_again() -> None:
    with pytest.raises(RayJobsError, match="cannot be reached"):
        await RayJobs(_Ray(None)).get("it")
