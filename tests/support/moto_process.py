"""The S3 server of moto, with faults on request; runs in moto's own environment.

A request with the header X-Test comes from the test itself: it is neither counted nor hindered.
`POST /faults` sets what happens to the others.
"""

import json
import re
import sys
from collections.abc import Callable, Iterable
from typing import Any

from moto.server import DomainDispatcherApplication, create_backend_app
from werkzeug.serving import make_server

_ERROR = "<?xml version='1.0'?><Error><Code>{code}</Code><Message>{code}</Message></Error>"


class Faulty:
    """A WSGI application around another.

    Args:
        inner: application for all requests that are not hindered.
        access_key: the only one that is let in.
    """

    def __init__(self, inner: Callable[..., Any], access_key: str) -> None:
        self._inner, self._access_key = inner, access_key
        self._faults: list[dict[str, Any]] = []
        self._requests: list[str] = []

    def __call__(self, environ: dict[str, Any], start: Callable[..., Any]) -> Iterable[bytes]:
        method, path = environ["REQUEST_METHOD"], environ["PATH_INFO"]
        if environ.get("HTTP_X_TEST"):
            return self._control(path, environ, start)
        self._requests.append(f"{method} {path}")
        if f"Credential={self._access_key}/" not in environ.get("HTTP_AUTHORIZATION", ""):
            return _refuse(start, 403, "InvalidAccessKeyId")
        for fault in self._faults:
            hit = fault["method"] == method and re.fullmatch(fault["path"], path)
            if hit and fault["times"] > 0:
                fault["times"] -= 1
                if fault["cut"] is not None:
                    return [b"".join(self._inner(environ, start))[: fault["cut"]]]
                return _refuse(start, fault["status"], fault["code"])
        answer: Iterable[bytes] = self._inner(environ, start)
        return answer

    def _control(
        self, path: str, environ: dict[str, Any], start: Callable[..., Any]
    ) -> Iterable[bytes]:
        if path == "/faults":
            body = environ["wsgi.input"].read(int(environ["CONTENT_LENGTH"]))
            self._faults, self._requests = json.loads(body), []
            return _answer(start, "200 OK", b"")
        if path == "/requests":
            return _answer(start, "200 OK", json.dumps(self._requests).encode())
        answer: Iterable[bytes] = self._inner(environ, start)
        return answer


def _refuse(start: Callable[..., Any], status: int, code: str) -> Iterable[bytes]:
    return _answer(start, f"{status} {code}", _ERROR.format(code=code).encode())


def _answer(start: Callable[..., Any], status: str, body: bytes) -> Iterable[bytes]:
    start(status, [("Content-Type", "application/xml"), ("Content-Length", str(len(body)))])
    return [body]


def main() -> None:
    """Serve until the process is killed; a free port is found for port 0, and printed."""
    access_key, host, port = sys.argv[1:]
    application = Faulty(DomainDispatcherApplication(create_backend_app), access_key)
    server = make_server(host, int(port), application, threaded=True)
    sys.stdout.write(f"{server.port}\n")
    sys.stdout.flush()
    server.serve_forever()


if __name__ == "__main__":
    main()
