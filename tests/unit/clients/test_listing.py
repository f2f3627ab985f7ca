"""A long collection is read in pages, all of one moment."""

import json

from support.scripted_server import Asked, ScriptedServer

from llmtrain_clients.http import Reply
from llmtrain_clients.kubernetes_api import Json

_PAGES = {None: (["a", "b"], "more"), "more": (["c"], "")}


class _TwoPages(ScriptedServer):
    """An API server with three objects."""

    async def answer(self, asked: Asked) -> Reply:
        assert (asked.method, asked.path, asked.body) == ("GET", "/things", None)
        assert asked.headers == {"Content-Type": "application/json", "Accept": "application/json"}
        assert asked.query is not None
        assert asked.query["labelSelector"] == "ours"
        names, more = _PAGES[asked.query.get("continue")]
        items = [{"metadata": {"name": name, "managedFields": [{}]}} for name in names]
        answer: Json = {"metadata": {"resourceVersion": "7", "continue": more}, "items": items}
        return Reply(200, json.dumps(answer))


async def test_pages_are_joined() -> None:
    listing = await _TwoPages().list("/things", label="ours")
    assert listing.items == [{"metadata": {"name": name}} for name in "abc"]
    assert listing.version == 7
