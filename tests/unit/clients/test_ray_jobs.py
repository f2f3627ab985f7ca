"""What Ray's Jobs REST API answers, and what follows from it."""

import io
import json
import zipfile
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from support.stage_context import stage_context

from llmtrain_api.exit_codes import ExitCode
from llmtrain_api.upgrade.run_config import run_config_for
from llmtrain_api.versions import MINOR
from llmtrain_clients.answers import Limit
from llmtrain_clients.http import END_OF_LOG, SHORT, Reply, UnreachableError
from llmtrain_clients.ray_jobs import RayJobs, RayJobsError, RayRefusedError
from llmtrain_lifecycle.snapshot import SubmissionState

_LAST_WORDS = 'llmtrain-outcome: {"reason": "InvalidData", "message": "line 3"}'


@dataclass
class _Ray:
    """A Ray with one failed job and a given answer for its log."""

    log: Reply | None

    async def request(
        self, method: str, path: str, body: object = None, *, limit: Limit = SHORT
    ) -> Reply:
        assert (method, body) == ("GET", None)
        if path.startswith("/api/v0/logs/file?submission_id=it&"):
            assert limit == END_OF_LOG
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


@dataclass
class _Taking:
    """A Ray that accepts packages and gives a set answer to submissions."""

    answer: Reply
    packages: dict[str, bytes] = field(default_factory=dict)
    submitted: list[object] = field(default_factory=list)

    async def request(
        self, method: str, path: str, body: object = None, *, limit: Limit = SHORT
    ) -> Reply:
        assert limit == SHORT
        if method == "PUT":
            assert isinstance(body, bytes)
            self.packages[path] = body
            return Reply(200, "")
        self.submitted.append(body)
        return self.answer


@pytest.fixture
def long_config(tmp_path: Path) -> dict[str, Any]:
    """A run config of more than a megabyte."""
    files = {"paths": [f"{n:04}{'x' * 1000}.txt" for n in range(256)], "format": "text"}
    data = {"sources": [{"files": files}] * 5}
    return run_config_for(stage_context("data", tmp_path, data=data).config, MINOR)


async def test_a_run_config_of_a_megabyte_reaches_the_driver(long_config: dict[str, Any]) -> None:
    ray = _Taking(Reply(200, "{}"))
    for _ in range(2):  # a reconcile may be repeated
        await RayJobs(ray).submit("it", "exec python -m trainer", long_config, {"A": "b"})

    ((path, package),) = ray.packages.items()
    name = path.removeprefix("/api/packages/gcs/")
    assert ray.submitted == 2 * [
        {
            "submission_id": "it",
            "entrypoint": "exec python -m trainer run-config.json",
            "runtime_env": {"env_vars": {"A": "b"}, "working_dir": f"gcs://{name}"},
        }
    ]
    with zipfile.ZipFile(io.BytesIO(package)) as unpacked:
        (file,) = unpacked.infolist()
        text = unpacked.read(file)
    assert file.filename == "run-config.json"
    assert file.external_attr >> 16 == 0o600
    assert len(text) > 10**6
    assert json.loads(text) == long_config


@pytest.mark.parametrize(("status", "is_final"), [(400, True), (413, True), (500, False)])
async def test_a_permanent_refusal_differs_from_a_transient_one(
    long_config: dict[str, Any], status: int, *, is_final: bool
) -> None:
    with pytest.raises(RayRefusedError, match=str(status)) as raised:
        await RayJobs(_Taking(Reply(status, "no"))).submit("it", "python", long_config, {})
    assert raised.value.as_obstacle.is_final is is_final


async def test_an_id_that_is_used_was_submitted_before(long_config: dict[str, Any]) -> None:
    used = Reply(400, "ValueError: Job with submission_id it already exists.")
    await RayJobs(_Taking(used)).submit("it", "python", long_config, {})
