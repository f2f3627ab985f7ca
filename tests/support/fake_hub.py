"""A local server with the few calls of the Hugging Face hub by which a model is written."""

import base64
import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Self

TOKEN = "hf_canaryOfTheTests"  # noqa: S105 - it guards nothing


class FakeHub:
    """The hub, with one user; a context manager."""

    def __init__(self) -> None:
        self.visibility: dict[str, str] = {}
        """The models, and who sees each."""
        self.files: dict[str, dict[str, bytes]] = {}
        """The files of each model."""
        self.commits = 0
        self.refuse_with: list[int] = []
        """Statuses of the next answers."""

    def __enter__(self) -> Self:
        hub = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                hub._answer(self)

            def do_POST(self) -> None:
                hub._answer(self)

            def log_message(self, *_: object) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.endpoint = f"http://127.0.0.1:{self._server.server_port}"
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.01,))
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()

    def _answer(self, request: BaseHTTPRequestHandler) -> None:
        body = request.rfile.read(int(request.headers.get("Content-Length") or 0))
        if self.refuse_with:
            status, content = self.refuse_with.pop(0), {"error": "not now"}
        elif request.headers.get("Authorization") != f"Bearer {TOKEN}":
            status, content = 401, {"error": "Invalid credentials"}
        else:
            status, content = self._call(request.path.partition("?")[0], body)
        data = json.dumps(content).encode()
        request.send_response(status)
        request.send_header("Content-Type", "application/json")
        request.send_header("Content-Length", str(len(data)))
        request.end_headers()
        request.wfile.write(data)

    def _call(self, path: str, body: bytes) -> tuple[int, Any]:
        if path == "/api/repos/create":
            return self._create(json.loads(body))
        model, _, call = path.removeprefix("/api/models/").partition("/main")[0].rpartition("/")
        match call:
            case "preupload":
                mode = {"uploadMode": "regular", "shouldIgnore": False}
                found = [{"path": each["path"], **mode} for each in json.loads(body)["files"]]
                return 200, {"files": found}
            case "commit":
                self._commit(self.files[model], body)
                url = f"{self.endpoint}/{model}/commit/1"
                return 200, {"commitUrl": url, "commitOid": "1", "success": True}
            case "tree":
                kind = {"type": "file", "size": 1, "oid": "0"}
                return 200, [{"path": name, **kind} for name in self.files[model]]
            case _:  # the model itself, or whether it may be written to
                return 200, {"id": "team/model", "sha": "1", "siblings": []}

    def _create(self, asked: dict[str, Any]) -> tuple[int, Any]:
        name = f"{asked['organization']}/{asked['name']}"
        status = 409 if name in self.visibility else 200
        self.visibility.setdefault(name, asked["visibility"])
        self.files.setdefault(name, {})
        return status, {"url": f"{self.endpoint}/{name}"}

    def _commit(self, files: dict[str, bytes], body: bytes) -> None:
        self.commits += 1
        for line in map(json.loads, body.splitlines()):
            if line["key"] == "file":
                files[line["value"]["path"]] = base64.b64decode(line["value"]["content"])
            elif line["key"] == "deletedFile":
                del files[line["value"]["path"]]
