"""A hub that answers badly is explained, and the token goes to no other host."""

import json
import os
import subprocess
import sys
import textwrap
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

_ROW = b'{"text": "one"}\n'
_FILES = json.dumps([{"type": "file", "path": "a.jsonl", "size": len(_ROW), "oid": "0" * 40}])
_ABOUT = json.dumps({"id": "some/set", "sha": "a" * 40, "siblings": [{"rfilename": "a.jsonl"}]})
_LISTINGS = {
    "list": b"[1, 2]",
    "number": b'{"id": 1e300}',
    "html": b"<html>log in</html>",
    "deep": b"[" * 100_000,
}
"""What the hub answers, by the name of the data set, where it is asked for a list of files."""

_LOAD = """
    import sys
    from pathlib import Path

    from llmtrain_trainer.data.readers.hub import load_dataset
    from llmtrain_trainer.errors import UserError

    folder = Path(sys.argv[1])
    for name in sys.argv[2:]:
        try:
            loaded = load_dataset(
                f"some/{name}", None, "train", inputs=folder, cache=folder / "cache"
            )
            print(name, loaded["text"][:])
        except UserError as error:
            print(name, error.message)
"""


class _Hub(BaseHTTPRequestHandler):
    """Answers for data sets of which each has another fault."""

    def do_HEAD(self) -> None:
        self._reply()

    def do_GET(self) -> None:
        self._reply()

    def _reply(self) -> None:
        assert isinstance(self.server, _Server)
        self.server.tokens.append(self.headers.get("Authorization"))
        name = next((name for name in self.server.names if f"/some/{name}/" in self.path), "")
        if self.server.elsewhere is None:
            self._answer(200, _ROW)
        elif name == "closed":
            self.close_connection = True
        elif self.path.endswith("README.md"):
            self._answer(200, b"# A data set\n")
        elif "/revision/" in self.path:
            self._answer(200, _ABOUT.encode())
        elif "/tree/" in self.path:
            self._answer(200, _LISTINGS.get(name, _FILES.encode()))
        elif self.path.endswith("a.jsonl") and self.command == "GET":
            self._answer(302, b"", Location=self.server.elsewhere)
        elif self.path.endswith("a.jsonl"):
            self._answer(200, _ROW)
        else:
            self._answer(404, b"")

    def _answer(self, status: int, body: bytes, **headers: str) -> None:
        self.send_response(status)
        for key, value in {"X-Repo-Commit": "a" * 40, "ETag": f'"{len(body)}"', **headers}.items():
            self.send_header(key, value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Stay silent."""


class _Server(ThreadingHTTPServer):
    """Remembers the tokens that it was sent."""

    names = (*_LISTINGS, "closed", "good")

    def __init__(self, elsewhere: str | None) -> None:
        super().__init__(("127.0.0.1", 0), _Hub)
        self.elsewhere = elsewhere
        self.tokens: list[str | None] = []

    @property
    def url(self) -> str:
        """Its address."""
        return f"http://127.0.0.1:{self.server_port}"


@pytest.fixture
def servers() -> Iterator[tuple[_Server, _Server]]:
    """The hub, and the host that it sends clients to for files."""
    files = _Server(None)
    hub = _Server(files.url + "/file")
    for server in (hub, files):
        threading.Thread(target=server.serve_forever, daemon=True).start()
    yield hub, files
    for server in (hub, files):
        server.shutdown()
        server.server_close()


@pytest.mark.slow
def test_a_hub_that_answers_badly_is_explained_and_the_token_stays_with_it(
    tmp_path: Path, servers: tuple[_Server, _Server]
) -> None:
    hub, files = servers
    settings = {
        "HF_ENDPOINT": hub.url,
        "HF_TOKEN": "hf_secret",
        "HF_HOME": str(tmp_path / "hf"),
        "HF_HUB_OFFLINE": "0",
    }
    done = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(_LOAD), str(tmp_path), *_Server.names],
        env={**os.environ, **settings},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    messages = dict(line.split(" ", 1) for line in done.stdout.splitlines())
    assert messages.pop("good") == "['one']"
    assert set(messages) == {*_LISTINGS, "closed"}
    for name, message in messages.items():
        assert message.startswith(f"huggingFace some/{name}: ")
        assert "that this machine can reach" in message
        assert len(message) < 1000
    assert "Bearer hf_secret" in hub.tokens
    assert files.tokens
    assert set(files.tokens) == {None}
