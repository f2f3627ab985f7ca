"""An object that is to be there is made, found, or tried again: never taken for made."""

import json
from dataclasses import dataclass

import pytest

from llmtrain_operator.io.http import Reply
from llmtrain_operator.io.kubernetes_api import Json, KubernetesApi, KubernetesError

_OURS = {"metadata": {"name": "ours"}}
_THEIRS = {"metadata": {"name": "ours", "uid": "theirs"}}
_ALREADY_THERE = Reply(409, json.dumps({"reason": "AlreadyExists", "message": "it exists"}))


@dataclass
class _Server(KubernetesApi):
    """An API server that has an object of this name, and lists these."""

    listed: list[Json]

    async def request(
        self,
        method: str,
        path: str,
        body: object = None,
        *,
        query: dict[str, str] | None = None,
        headers: dict[str, str] | None = None,
    ) -> Reply:
        assert path == "/things"
        assert headers == {"Content-Type": "application/json"}
        if method == "POST":
            assert body is _OURS
            return _ALREADY_THERE
        assert query == {"fieldSelector": "metadata.name=ours"}
        return Reply(200, json.dumps({"items": self.listed}))


async def test_one_that_is_there_is_found() -> None:
    assert await _Server([_THEIRS]).ensure("/things", _OURS) == _THEIRS


async def test_one_that_went_in_between_is_a_conflict_to_be_tried_again() -> None:
    with pytest.raises(KubernetesError) as raised:
        await _Server([]).ensure("/things", _OURS)
    assert raised.value.is_conflict
    assert not raised.value.is_refusal
