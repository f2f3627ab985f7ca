"""A local HTTP server that answers with any bytes that a test chooses, correct or not."""

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True)
class Request:
    """What was asked.

    Attributes:
        method: method of HTTP.
        target: path and query.
        headers: with names in lower case.
        body: as it came.
    """

    method: str
    target: str
    headers: dict[str, str]
    body: bytes

    @property
    def host(self) -> str:
        """The first label of the host's name."""
        return self.headers.get("host", "").partition(".")[0]

    @property
    def json(self) -> Any:
        """The body, parsed."""
        return json.loads(self.body)


async def _nothing() -> AsyncIterator[bytes]:
    for chunk in ():
        yield chunk


@dataclass(frozen=True)
class Answer:
    """What is answered.

    Attributes:
        status: status of HTTP, or anything else.
        body: its first part.
        headers: beside the body's length.
        rest: the part of the body after that; the connection's end is the end of it.
    """

    status: int = 200
    body: bytes = b"{}"
    headers: dict[str, str] = field(default_factory=lambda: {"Content-Type": "application/json"})
    rest: Callable[[], AsyncIterator[bytes]] = _nothing

    @classmethod
    def of(cls, value: Any, status: int = 200) -> "Answer":
        """JSON."""
        return cls(status, json.dumps(value).encode())


@asynccontextmanager
async def answering_server(answer: Callable[[Request], Answer]) -> AsyncIterator[int]:
    """A server on loopback; gives its port.

    Args:
        answer: called with each request.
    """
    open_now: set[asyncio.Task[Any]] = set()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        open_now.add(task)
        # Whoever has read enough goes.
        with suppress(ConnectionError, asyncio.IncompleteReadError, asyncio.CancelledError):
            given = answer(await _read(reader))
            lines = [f"HTTP/1.1 {given.status} Said", "Connection: close"]
            lines += [f"{name}: {value}" for name, value in given.headers.items()]
            writer.write("\r\n".join([*lines, "", ""]).encode("latin-1") + given.body)
            await writer.drain()
            async for chunk in given.rest():
                writer.write(chunk)
                await writer.drain()
        writer.close()
        open_now.discard(task)

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    try:
        yield server.sockets[0].getsockname()[1]
    finally:
        server.close()
        for task in open_now:
            task.cancel()
        await asyncio.gather(*open_now, return_exceptions=True)


async def _read(reader: asyncio.StreamReader) -> Request:
    head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
    first, *lines = head.rstrip().split("\r\n")
    method, target, _ = first.split(" ")
    headers = {name.lower(): value for name, _, value in (each.partition(": ") for each in lines)}
    body = await reader.readexactly(int(headers.get("content-length", "0")))
    return Request(method, target, headers, body)
