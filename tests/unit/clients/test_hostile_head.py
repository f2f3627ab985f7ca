"""A head that its job's author has made: it learns nothing, stops nobody, and fills no memory."""

import asyncio
import gzip
import time
from collections.abc import AsyncIterator
from pathlib import Path

import psutil
import pytest
from support.answered_job import CREDENTIAL, AnsweredJobs, Clock, is_of_head, reconciling
from support.answering_server import Answer, Request

from llmtrain_api.status import StageState
from llmtrain_operator.informer.work_queue import Key
from llmtrain_operator.runtime.controller import Controller
from llmtrain_operator.runtime.settings import OperatorSettings

_MIB = 2**20
_INTERNAL_TEXT = "the-answer-of-an-internal-server"


async def _long() -> AsyncIterator[bytes]:
    for _ in range(600):
        yield b" " * _MIB


async def _drip() -> AsyncIterator[bytes]:
    while True:
        yield b" "
        await asyncio.sleep(0.2)


_ZEROS = 600 * gzip.compress(bytes(_MIB))
_DEEP = b"[" * 100_000
_WRONG = {
    "a redirect": Answer(307, b"", {"Location": "http://internal.svc/secret"}),
    "600 MB": Answer(rest=_long),
    "600 MB in gzip": Answer(200, _ZEROS, {"Content-Encoding": "gzip"}),
    "JSON 100,000 deep": Answer(body=b'{"status": ' + _DEEP),
    "a number that is no exit code": Answer.of({"status": "FAILED", "driver_exit_code": 1e300}),
    "another content type": Answer(200, _INTERNAL_TEXT.encode(), {"Content-Type": "text/html"}),
    "other JSON": Answer.of([_INTERNAL_TEXT]),
    "an error": Answer(500, _INTERNAL_TEXT.encode()),
    "nothing at all": Answer(200, b""),
}


@pytest.mark.parametrize("wrong", _WRONG.values(), ids=_WRONG.keys())
async def test_a_wrong_answer_is_an_unreachable_ray(wrong: Answer, tmp_path: Path) -> None:
    jobs = AnsweredJobs(chosen=lambda request: wrong if is_of_head(request) else None)
    key = jobs.begin("hostile", {}, StageState.RUNNING)
    memory = psutil.Process().memory_info().rss
    async with Clock().running() as clock, reconciling(jobs, tmp_path) as reconciler:
        began = time.monotonic()
        await reconciler.reconcile(key)
        clock.wait(40)
        await reconciler.reconcile(key)
        assert time.monotonic() - began < 10
    assert psutil.Process().memory_info().rss - memory < 50 * _MIB
    condition = jobs.status(key).conditions[0]
    assert condition.reason == "RayUnreachable"
    assert _INTERNAL_TEXT not in condition.message


async def test_no_redirect_is_followed_and_the_token_goes_to_the_head_alone(tmp_path: Path) -> None:
    elsewhere = Answer(307, b"", {"Location": "http://other-head-svc.default.svc:8265/"})
    jobs = AnsweredJobs(chosen=lambda request: elsewhere if is_of_head(request) else None)
    key = jobs.begin("hostile", {}, StageState.RUNNING)
    async with Clock().running(), reconciling(jobs, tmp_path) as reconciler:
        await reconciler.reconcile(key)
    assert _hosts(jobs) == {"hostile-data-0-head-svc"}
    for request in jobs.seen:
        knows = CREDENTIAL in request.headers.get("x-ray-authorization", "")
        assert not knows or is_of_head(request)


async def test_a_status_that_nobody_knows_is_an_attempt_at_work(tmp_path: Path) -> None:
    jobs = AnsweredJobs(
        chosen=lambda request: Answer.of({"status": "PAUSED"}) if is_of_head(request) else None
    )
    key = jobs.begin("newer", {}, StageState.STARTING)
    async with Clock().running(), reconciling(jobs, tmp_path) as reconciler:
        await reconciler.reconcile(key)
    assert jobs.status(key).stages[0].state is StageState.RUNNING


async def test_the_last_line_of_a_long_log_is_read(tmp_path: Path) -> None:
    line = 'llmtrain-outcome: {"reason": "InvalidData", "message": "line 3"}\n'

    async def log() -> AsyncIterator[bytes]:
        for _ in range(32):
            yield b"\xff at work\n" * (_MIB // 10)
        yield line.encode()

    def head(request: Request) -> Answer | None:
        if not is_of_head(request):
            return None
        if request.target.startswith("/api/v0/logs/file?"):
            return Answer(body=b"", rest=log)
        return Answer.of({"status": "FAILED", "driver_exit_code": 2, "driver_node_id": "n"})

    jobs = AnsweredJobs(chosen=head)
    key = jobs.begin("verbose", {}, StageState.RUNNING)
    async with Clock().running(), reconciling(jobs, tmp_path) as reconciler:
        await reconciler.reconcile(key)
    assert jobs.status(key).stages[0].run.message == "line 3"
    (asked,) = [request.target for request in jobs.seen if "/logs" in request.target]
    assert "node_id=n" in asked


async def test_slow_heads_keep_no_other_job_waiting(tmp_path: Path) -> None:
    """More of them than reconciles are made at a time."""

    def head(request: Request) -> Answer | None:
        slow = is_of_head(request) and request.host.startswith("slow")
        return Answer(body=b"", rest=_drip) if slow else None

    jobs = AnsweredJobs(chosen=head)
    slow = [jobs.begin(f"slow-{n}", {}, StageState.RUNNING) for n in range(6)]
    honest = jobs.begin("honest", {}, StageState.STARTING)
    controller = Controller(OperatorSettings(image="trainer:1", num_workers=4))
    async with (
        Clock().running(),
        reconciling(jobs, tmp_path, waiting=controller._slots.lent) as reconciler,
    ):
        controller._knows_all.set()
        reconciles = asyncio.create_task(controller._run_reconciles(reconciler))
        for key in slow:
            controller.queue.add(key)
        await jobs.until(lambda: len(_hosts(jobs)) == len(slow))
        controller.queue.add(honest)
        began = time.monotonic()
        await jobs.until(lambda: _state(jobs, honest) is StageState.RUNNING)
        assert time.monotonic() - began < 1
        controller._tasks.append(reconciles)
        await controller.stop()


def _hosts(jobs: AnsweredJobs) -> set[str]:
    return {request.host for request in jobs.seen if is_of_head(request)}


def _state(jobs: AnsweredJobs, key: Key) -> StageState:
    return jobs.status(key).stages[0].state
