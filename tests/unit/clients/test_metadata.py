"""Metadata is asked for alone: the values of a Secret stay in the API server."""

import json
from dataclasses import dataclass

import pytest
from support.scripted_server import Asked, ScriptedServer

from llmtrain_clients.http import Reply
from llmtrain_clients.kubernetes_api import Json
from llmtrain_clients.kubernetes_errors import KubernetesError

_ALONE = "application/json;as=PartialObjectMetadata;g=meta.k8s.io;v=v1"


@dataclass
class _Server(ScriptedServer):
    """An API server with one answer."""

    content: Json
    status: int = 200

    async def answer(self, asked: Asked) -> Reply:
        assert (asked.method, asked.path, asked.body, asked.query) == ("GET", "/thing", None, None)
        assert asked.headers is not None
        assert asked.headers["Accept"] == _ALONE
        return Reply(self.status, json.dumps(self.content))


async def test_it_is_asked_for_without_the_rest_of_the_object() -> None:
    metadata = {"name": "hub", "labels": {"a": "b"}}
    assert await _Server({"metadata": metadata}).metadata("/thing") == metadata


async def test_an_object_that_is_not_there_has_none() -> None:
    absent = {"reason": "NotFound", "message": "secrets hub not found"}
    assert await _Server(absent, 404).metadata("/thing") is None


@pytest.mark.parametrize(("status", "answer"), [(403, {"reason": "Forbidden"}), (200, {})])
async def test_an_answer_without_metadata_is_an_error(status: int, answer: Json) -> None:
    with pytest.raises(KubernetesError):
        await _Server(answer, status).metadata("/thing")
