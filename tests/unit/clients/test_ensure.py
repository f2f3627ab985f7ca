"""An object that is to be there is made, found, or tried again: never taken for made."""

import json
from dataclasses import dataclass

import pytest
from support.scripted_server import Asked, ScriptedServer

from llmtrain_clients.http import Reply
from llmtrain_clients.kubernetes_api import Json
from llmtrain_clients.kubernetes_errors import KubernetesError

_OURS = {"metadata": {"name": "ours"}}
_THEIRS = {"metadata": {"name": "ours", "uid": "theirs"}}
_QUOTA = Reply(403, json.dumps({"reason": "Forbidden", "message": "exceeded quota: tight"}))
_ALREADY_THERE = Reply(409, json.dumps({"reason": "AlreadyExists", "message": "it exists"}))


@dataclass
class _Server(ScriptedServer):
    """An API server that refuses to make an object, and lists these."""

    listed: list[Json]
    refusal: Reply = _ALREADY_THERE
    list_status: int = 200

    async def answer(self, asked: Asked) -> Reply:
        assert asked.path == "/things"
        assert asked.headers == dict.fromkeys(("Content-Type", "Accept"), "application/json")
        if asked.method == "POST":
            assert asked.body is _OURS
            return self.refusal
        assert asked.query == {"fieldSelector": "metadata.name=ours"}
        answer = {"items": self.listed, "message": "list is forbidden"}
        return Reply(self.list_status, json.dumps(answer))


async def test_one_that_is_there_is_found() -> None:
    assert await _Server([_THEIRS]).ensure("/things", _OURS) == _THEIRS


async def test_one_that_went_in_between_is_a_conflict_to_be_tried_again() -> None:
    with pytest.raises(KubernetesError) as raised:
        await _Server([]).ensure("/things", _OURS)
    assert raised.value.is_conflict
    assert not raised.value.is_refusal


async def test_one_that_is_there_is_found_though_a_quota_is_used_up() -> None:
    assert await _Server([_THEIRS], _QUOTA).ensure("/things", _OURS) == _THEIRS


@pytest.mark.parametrize("list_status", [200, 403])
async def test_a_refused_create_of_an_absent_object_is_reported(list_status: int) -> None:
    with pytest.raises(KubernetesError, match="exceeded quota: tight"):
        await _Server([], _QUOTA, list_status).ensure("/things", _OURS)
