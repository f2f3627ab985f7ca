"""A Pod that is run for what it prints is deleted, however that goes."""

import asyncio
import json
from dataclasses import dataclass, field
from typing import Any

import pytest
from support.scripted_server import Asked, ScriptedServer

from llmtrain.cluster.short_pod import run_pod
from llmtrain.errors import LogError
from llmtrain_clients.http import Reply
from llmtrain_clients.kubernetes_api import Json, KubernetesApi

_POD = {"metadata": {"name": "reader"}}
_PENDING = {"phase": "Pending"}
_UNSCHEDULABLE = {
    "phase": "Pending",
    "conditions": [{"type": "PodScheduled", "status": "False", "message": "no node has room"}],
}
_NO_TAIL = {
    "phase": "Failed",
    "containerStatuses": [
        {"name": "reader", "state": {"terminated": {"exitCode": 128, "message": "no tail in it"}}}
    ],
}


async def _run(api: KubernetesApi, *, within_seconds: float = 300) -> str:
    return await run_pod(api, "team", _POD, remark=print, within_seconds=within_seconds)


@dataclass
class _Script(ScriptedServer):
    """An API server on which a Pod has one status after another."""

    statuses: list[Json]
    log: Reply = field(default_factory=lambda: Reply(200, "printed\n"))
    deleted: bool = False
    heard: asyncio.Event = field(default_factory=asyncio.Event)
    answering: asyncio.Event = field(default_factory=asyncio.Event)

    def __post_init__(self) -> None:
        self.answering.set()

    async def answer(self, asked: Asked) -> Reply:
        assert asked.query is None or asked.query == {"fieldManager": "llmtrain"}
        assert asked.headers is None or asked.headers["Content-Type"] == "application/json"
        pods = "/api/v1/namespaces/team/pods"
        match asked.method, asked.path.removeprefix(pods):
            case "POST", "":
                assert asked.body is _POD
                self.heard.set()
                await self.answering.wait()
                return self._pod({})
            case "GET", "/reader":
                return self._pod(self.statuses.pop(0) if self.statuses[1:] else self.statuses[0])
            case "GET", "/reader/log":
                return self.log
            case "DELETE", "/reader":
                self.deleted = True
                return Reply(200, "{}")
        raise AssertionError(asked)

    def _pod(self, status: Json) -> Reply:
        meta: dict[str, Any] = {"name": "reader", "namespace": "team", "uid": "1"}
        return Reply(
            200, json.dumps({"metadata": meta | {"resourceVersion": "1"}, "status": status})
        )


async def test_what_it_printed_is_returned() -> None:
    api = _Script([_PENDING, {"phase": "Succeeded"}])
    assert await _run(api) == "printed\n"
    assert api.deleted


async def test_one_whose_creation_was_interrupted_is_deleted_too() -> None:
    api = _Script([_PENDING])
    api.answering.clear()
    running = asyncio.create_task(_run(api))
    await api.heard.wait()
    running.cancel()
    api.answering.set()
    with pytest.raises(asyncio.CancelledError):
        await running
    assert api.deleted


@pytest.mark.parametrize(
    ("status", "log", "words"),
    [
        (_PENDING, "", "the Pod has not ended within 0 s"),
        (_UNSCHEDULABLE, "", "within 0 s: no node has room"),
        (_NO_TAIL, "", "the Pod failed: no tail in it"),
        ({"phase": "Failed"}, "No such file\n", "^No such file$"),
        ({"phase": "Failed", "message": "Pod was active for too long"}, "", "active for too long"),
    ],
)
async def test_the_reason_of_a_failed_pod_is_reported(status: Json, log: str, words: str) -> None:
    api = _Script([status], Reply(200, log))
    with pytest.raises(LogError, match=words):
        await _run(api, within_seconds=0)
    assert api.deleted


async def test_one_that_never_started_has_no_log() -> None:
    api = _Script([_NO_TAIL], Reply(400, json.dumps({"message": "container is waiting to start"})))
    with pytest.raises(LogError, match="the Pod failed: no tail in it"):
        await _run(api)
    assert api.deleted


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (json.dumps({"message": "pods/log is forbidden"}), "cannot be read: pods/log is forbidden"),
        ("<html>", "cannot be read: <html>"),
    ],
)
async def test_a_log_that_is_refused(text: str, words: str) -> None:
    api = _Script([{"phase": "Succeeded"}], Reply(403, text))
    with pytest.raises(LogError, match=words):
        await _run(api)
    assert api.deleted
