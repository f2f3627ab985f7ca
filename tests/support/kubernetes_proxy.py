"""Stands between the operator and the API server: counts its writes, and strikes after one.

What the API server would pass on to Ray's heads goes to a FakeRay instead.
"""

import asyncio
import re
import ssl
import threading
from collections.abc import AsyncIterator, Callable
from contextlib import suppress
from http import HTTPStatus
from pathlib import Path
from typing import Self

import aiohttp
from aiohttp import web
from support.fake_ray import LOG_FILE, FakeRay, as_json

_HEAD = re.compile(r"/api/v1/namespaces/[^/]+/services/(.+)-head-svc:(\w+)/proxy(/.*)")
_PACKAGES = "/proxy/api/packages/"
_LEASES = "/coordination.k8s.io/v1/"
_READS = {"GET", "HEAD"}
_CLOSING_SECONDS = 0.25
"""aiohttp's own documentation asks for it: its transports close after their session."""

WatchFault = Callable[[bytes], list[bytes]]


def unchanged(line: bytes) -> list[bytes]:
    """The event of a watch without faults."""
    return [line]


class KubernetesProxy:
    """A reverse proxy on loopback; a context manager.

    Args:
        server: URL of the API server.
        certificate: CA certificate of the API server.
        ray: answers for Ray's heads.

    Attributes:
        writes: method and path of each write that was carried out.
        after_write: called after each, before the operator hears of it.
        watch_fault: makes a function for each watch, from a line to the lines passed on instead.
        url: URL of the proxy.
    """

    def __init__(self, server: str, certificate: Path, ray: FakeRay) -> None:
        self._server, self._ray = server, ray
        self._tls = ssl.create_default_context(cafile=certificate)
        self.writes: list[tuple[str, str]] = []
        self.after_write: Callable[[], None] = lambda: None
        self.watch_fault: Callable[[], WatchFault] = lambda: unchanged
        self.url = ""
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        asyncio.run_coroutine_threadsafe(self._start(), self._loop).result()
        return self

    def __exit__(self, *_: object) -> None:
        asyncio.run_coroutine_threadsafe(self._stop(), self._loop).result()
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    async def _start(self) -> None:
        connector = aiohttp.TCPConnector(ssl=self._tls, limit=0)
        self._session = aiohttp.ClientSession(connector=connector, auto_decompress=False)
        app = web.Application(client_max_size=2**24)
        app.router.add_route("*", "/{path:.*}", self._handle)
        self._runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1)
        await self._runner.setup()
        site = web.TCPSite(self._runner, "127.0.0.1", 0)
        await site.start()
        self.url = f"http://127.0.0.1:{self._runner.addresses[0][1]}"

    async def _stop(self) -> None:
        await self._runner.cleanup()
        await self._session.close()
        others = asyncio.all_tasks() - {asyncio.current_task()}
        for task in others:
            task.cancel()
        await asyncio.gather(*others, return_exceptions=True)
        await asyncio.sleep(_CLOSING_SECONDS)

    async def _handle(self, request: web.Request) -> web.StreamResponse:
        head = _HEAD.fullmatch(request.path)
        if head is not None:
            return await self._ask_ray(request, *head.groups())
        body = await request.read()
        async with self._session.request(
            request.method,
            self._server + str(request.rel_url),
            data=body or None,
            headers={k: v for k, v in request.headers.items() if k != "Host"},
            timeout=aiohttp.ClientTimeout(total=None),
        ) as reply:
            if request.method not in _READS and reply.status < HTTPStatus.BAD_REQUEST:
                self._note(request)
            if "watch" in request.query:
                return await _relay(request, reply, self._with_fault(reply))
            return await _relay(request, reply, reply.content.iter_any())

    async def _ask_ray(
        self, request: web.Request, cluster: str, port: str, path: str
    ) -> web.Response:
        if port != "dashboard":
            return web.json_response({}, status=HTTPStatus.SERVICE_UNAVAILABLE)
        if path == LOG_FILE:
            return web.Response(text=self._ray.log(cluster, request.query["submission_id"]))
        content = await request.read()
        body = as_json(content) if request.content_type == "application/json" else content
        status, answer = self._ray.answer(cluster, request.method, path, body)
        if request.method not in _READS and status == HTTPStatus.OK:
            self._note(request)
        return web.json_response(answer, status=status)

    async def _with_fault(self, reply: aiohttp.ClientResponse) -> AsyncIterator[bytes]:
        buffer, apply_fault = b"", self.watch_fault()
        async for chunk in reply.content.iter_any():
            *lines, buffer = (buffer + chunk).split(b"\n")
            for line in lines:
                for passed_on in apply_fault(line):
                    yield passed_on + b"\n"

    def _note(self, request: web.Request) -> None:
        if _LEASES in request.path:
            return  # they are renewed all the time
        write = (request.method, request.path)
        if _PACKAGES in request.path and write in self.writes:
            return  # the same bytes under the same name: who starts anew uploads them anew
        self.writes.append(write)
        self.after_write()


async def _relay(
    request: web.Request, reply: aiohttp.ClientResponse, chunks: AsyncIterator[bytes]
) -> web.StreamResponse:
    """Pass an answer on as it comes: a watch never ends."""
    skipped = {"Transfer-Encoding", "Content-Length", "Connection"}
    headers = {k: v for k, v in reply.headers.items() if k not in skipped}
    response = web.StreamResponse(status=reply.status, headers=headers)
    with suppress(aiohttp.ClientConnectionResetError):  # whoever asked has died
        await response.prepare(request)
        async for chunk in chunks:
            await response.write(chunk)
        await response.write_eof()
    return response
