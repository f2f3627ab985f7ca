"""A local web server with files, of which it sends parts, and data sets as the hub has them."""

import json
import threading
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Self
from urllib.parse import unquote

COMMIT = "c0ffee" * 6 + "c0ff"
TOKEN = "hf_canaryOfTheTests"  # noqa: S105 - it guards nothing
_TREE = "/api/datasets/team/texts/tree/"
_PATHS = "/api/datasets/team/texts/paths-info/"
_FILE = "/datasets/team/texts/resolve/"


@dataclass
class WebFiles:
    """The server; a context manager.

    Attributes:
        files: content of each file by its path: `/a.jsonl`.
        dataset: files of the data set `team/texts`, for which it asks for a token.
        sends_parts: whether it sends parts of files.
        refuse_with: statuses of the next answers.
        cut: number of next answers whose connection ends after half of the content.
    """

    files: dict[str, bytes] = field(default_factory=dict)
    dataset: dict[str, bytes] = field(default_factory=dict)
    sends_parts: bool = True
    refuse_with: list[int] = field(default_factory=list)
    cut: int = 0

    def __enter__(self) -> Self:
        web = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(self) -> None:
                web._answer(self)

            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                web._answer(self, body)

            def log_message(self, *_: object) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self.address = f"http://127.0.0.1:{self._server.server_port}"
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.01,))
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()

    def _answer(self, request: BaseHTTPRequestHandler, body: bytes = b"") -> None:
        path = unquote(request.path.partition("?")[0])
        if self.refuse_with:
            _send(request, self.refuse_with.pop(0), b"not now")
        elif "/datasets/" in path and request.headers["Authorization"] != f"Bearer {TOKEN}":
            _send(request, 401, b"{}")
        elif path.startswith("/api/"):
            found = self._call(path, body)
            if found is None:
                code = "EntryNotFound" if "/tree/" in path else "RepoNotFound"
                _send(request, 404, b'{"error": "no such thing"}', {"X-Error-Code": code})
            else:
                _send(request, 200, json.dumps(found).encode())
        else:
            start = f"{_FILE}{COMMIT}/"
            is_of_hub = path.startswith(start)
            found_file = (
                self.dataset.get(path.removeprefix(start)) if is_of_hub else self.files.get(path)
            )
            self._send_file(request, found_file)

    def _call(self, path: str, body: bytes) -> object:
        """An answer of the hub; None where it has nothing of this name."""
        if path.startswith(_TREE):
            folder = path.removeprefix(f"{_TREE}{COMMIT}").strip("/")
            inside = [name for name in self.dataset if name.startswith(f"{folder}/".lstrip("/"))]
            return [self._file(name) for name in inside] or None
        if path.startswith(_PATHS):
            names = [name.split("=", 1)[1] for name in unquote(body.decode()).split("&")]
            return [self._file(name) for name in names if name in self.dataset]
        if path.startswith("/api/datasets/team/texts"):
            return {"id": "team/texts", "sha": COMMIT, "siblings": []}
        return None

    def _file(self, name: str) -> dict[str, object]:
        data = self.dataset[name]
        return {"type": "file", "path": name, "size": len(data), "oid": str(hash(data))}

    def _send_file(self, request: BaseHTTPRequestHandler, data: bytes | None) -> None:
        if data is None:
            _send(request, 404, b"")
            return
        if not self.sends_parts:
            _send(request, 200, data)
            return
        first, last = request.headers["Range"].removeprefix("bytes=").split("-")
        part = data[int(first) : int(last) + 1]
        place = f"bytes {first}-{int(first) + len(part) - 1}/{len(data)}"
        headers = {"ETag": f'"{hash(data)}"', "Content-Range": place}
        if not part:
            headers["Content-Range"] = f"bytes */{len(data)}"
        cut = self.cut > 0 and len(part) > 1
        self.cut -= cut
        _send(request, 206 if part else 416, part, headers, cut=cut)


def _send(
    request: BaseHTTPRequestHandler,
    status: int,
    data: bytes,
    headers: dict[str, str] | None = None,
    *,
    cut: bool = False,
) -> None:
    request.send_response(status)
    for name, value in {**(headers or {}), "Content-Length": str(len(data))}.items():
        request.send_header(name, value)
    request.end_headers()
    request.wfile.write(data[: len(data) // 2] if cut else data)
    request.close_connection = True
