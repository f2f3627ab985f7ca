"""A long collection is read in pages, all of one moment."""

import json

from llmtrain_clients.http import Reply
from llmtrain_clients.kubernetes_api import Json, KubernetesApi

_PAGES = {None: (["a", "b"], "more"), "more": (["c"], "")}


class _TwoPages(KubernetesApi):
    """An API server with three objects."""

    async def request(
        self,
        method: str,
        path: str,
        body: object = None,
        *,
        query: dict[str, str] | None = None,
        headers: dict[str, str] | None = None,
    ) -> Reply:
        assert (method, path, body) == ("GET", "/things", None)
        assert headers == {"Content-Type": "application/json", "Accept": "application/json"}
        assert query is not None
        assert query["labelSelector"] == "ours"
        names, more = _PAGES[query.get("continue")]
        items = [{"metadata": {"name": name, "managedFields": [{}]}} for name in names]
        answer: Json = {"metadata": {"resourceVersion": "7", "continue": more}, "items": items}
        return Reply(200, json.dumps(answer))


async def test_pages_are_joined() -> None:
    listing = await _TwoPages().list("/things", label="ours")
    assert listing.items == [{"metadata": {"name": name}} for name in "abc"]
    assert listing.version == 7
