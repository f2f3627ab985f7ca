"""Requests to a Ray head: straight to it, or through the API server."""

from dataclasses import dataclass, field
from typing import Protocol

import aiohttp


class UnreachableError(Exception):
    """There was no answer; the message holds no secret."""


@dataclass(frozen=True)
class Reply:
    """An answer."""

    status: int
    text: str


class Http(Protocol):
    """One server."""

    async def request(self, method: str, path: str, body: object = None) -> Reply:
        """Send a request; any status is an answer.

        Args:
            method: of HTTP.
            path: with a slash at the beginning.
            body: bytes are sent as they are, anything else as JSON; None for no body.

        Raises:
            UnreachableError: there was no answer.
        """
        ...


@dataclass(frozen=True)
class DirectHttp:
    """A server that can be reached over the network."""

    session: aiohttp.ClientSession
    url: str
    """Without a slash at the end."""
    headers: dict[str, str] = field(default_factory=dict, repr=False)

    async def request(self, method: str, path: str, body: object = None) -> Reply:
        """Send a request; any status is an answer.

        Raises:
            UnreachableError: there was no answer.
        """
        is_raw = isinstance(body, bytes)
        try:
            async with self.session.request(
                method,
                self.url + path,
                data=body if is_raw else None,
                json=None if is_raw else body,
                headers=self.headers,
            ) as reply:
                return Reply(reply.status, await reply.text())
        except (aiohttp.ClientError, TimeoutError) as error:
            raise UnreachableError(type(error).__name__) from error


def http_session() -> aiohttp.ClientSession:
    """A session for servers that answer at once, or not at all."""
    return aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=30, connect=5))


def ray_headers(token: str) -> dict[str, str]:
    """The headers that a Ray head with token authentication asks for."""
    # Proxies, such as the Kubernetes API server, keep `Authorization` for themselves.
    return {"X-Ray-Authorization": f"Bearer {token}"}
