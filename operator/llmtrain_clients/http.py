"""Requests to a Ray head: directly, or through the API server."""

from dataclasses import dataclass, field
from typing import Protocol

import aiohttp

from llmtrain_clients.answers import (
    UNCOMPRESSED,
    Limit,
    WrongAnswerError,
    read_answer,
)

_SECONDS = 30
_CONNECT_SECONDS = 5
_CONNECTIONS_PER_HEAD = 4
SHORT = Limit(512 * 1024)
"""Limit of an answer about one job; the longest holds 20,000 characters of its log."""
LOG = Limit(64 * 2**20)
END_OF_LOG = Limit(64 * 2**20, end_bytes=256 * 1024)


class UnreachableError(Exception):
    """There was no usable answer; the message holds no secret and no text of the answer."""


@dataclass(frozen=True)
class Reply:
    """An HTTP answer."""

    status: int
    text: str


class Http(Protocol):
    """A client of one server."""

    async def request(
        self, method: str, path: str, body: object = None, *, limit: Limit = SHORT
    ) -> Reply:
        """Send a request; any status is an answer. Redirects are not followed.

        Args:
            method: HTTP method.
            path: path with a slash at the beginning.
            body: bytes are sent as they are, anything else as JSON; None for no body.
            limit: limits of the answer's length.

        Raises:
            UnreachableError: there was no answer, or one that is too long.
        """
        ...


@dataclass(frozen=True)
class DirectHttp:
    """A client that reaches its server over the network."""

    session: aiohttp.ClientSession
    url: str
    """URL without a slash at the end."""
    headers: dict[str, str] = field(default_factory=dict, repr=False)

    async def request(
        self, method: str, path: str, body: object = None, *, limit: Limit = SHORT
    ) -> Reply:
        """Send a request; any status is an answer.

        Raises:
            UnreachableError: there was no answer, or one that is too long.
        """
        is_raw = isinstance(body, bytes)
        try:
            async with self.session.request(
                method,
                self.url + path,
                data=body if is_raw else None,
                json=None if is_raw else body,
                headers=self.headers,
                allow_redirects=False,
            ) as reply:
                return Reply(reply.status, await read_answer(reply, limit))
        except WrongAnswerError as error:
            raise UnreachableError(str(error)) from error
        except (aiohttp.ClientError, TimeoutError) as error:
            raise UnreachableError(type(error).__name__) from error


def http_session(connector: aiohttp.BaseConnector | None = None) -> aiohttp.ClientSession:
    """A session with short timeouts.

    Args:
        connector: resolves the servers' names; None for the network's DNS.
    """
    return aiohttp.ClientSession(
        timeout=aiohttp.ClientTimeout(total=_SECONDS, connect=_CONNECT_SECONDS),
        # A slow server must not use up the connections to the others.
        connector=connector or aiohttp.TCPConnector(limit=0, limit_per_host=_CONNECTIONS_PER_HEAD),
        cookie_jar=aiohttp.DummyCookieJar(),
        headers=UNCOMPRESSED,
        auto_decompress=False,
    )


def ray_headers(token: str) -> dict[str, str]:
    """The headers of a request to a Ray head with token authentication."""
    # Proxies, such as the Kubernetes API server, keep `Authorization` for themselves.
    return {"X-Ray-Authorization": f"Bearer {token}"}
