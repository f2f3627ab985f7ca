"""Reads HTTP answers that nobody vouches for.

An answer is bounded in bytes here and in time by the session. It must not be compressed, since a
few bytes could become gigabytes. Its content is JSON of bounded depth.
"""

import logging
from dataclasses import dataclass
from typing import Any, TypeVar

import aiohttp
from pydantic import BaseModel, ValidationError
from pydantic_core import from_json

log = logging.getLogger(__name__)

UNCOMPRESSED = {"Accept-Encoding": "identity"}
"""The request header that goes with `read_answer`."""
_LOGGED_CHARACTERS = 500
_REDIRECTS = {301, 302, 303, 307, 308}

Model = TypeVar("Model", bound=BaseModel)


class WrongAnswerError(Exception):
    """An answer that cannot be used; the message holds none of its text."""


@dataclass(frozen=True)
class Limit:
    """Limits of an answer's length."""

    max_bytes: int
    """Most bytes to read; a longer answer is refused, or cut to its end."""
    end_bytes: int | None = None
    """Bytes to keep from the end of the answer; None keeps all."""


async def read_answer(response: aiohttp.ClientResponse, limit: Limit) -> str:
    """Read the body of an answer.

    Args:
        response: response of a session that does not decompress.
        limit: limits of the body's length.

    Raises:
        WrongAnswerError: the body is too long, or compressed.
        aiohttp.ClientError: the connection broke.
        TimeoutError: the body took longer than the session waits.
    """
    encoding = response.headers.get("Content-Encoding", "identity").lower()
    if encoding != "identity":
        raise WrongAnswerError(f"it answered {response.status} with a compressed body")
    kept, read = bytearray(), 0
    async for chunk in response.content.iter_any():
        read += len(chunk)
        if read > limit.max_bytes:
            response.close()
            message = f"it answered {response.status} with more than {limit.max_bytes} bytes"
            raise WrongAnswerError(message)
        kept += chunk
        if limit.end_bytes is not None:
            del kept[: -limit.end_bytes]
    return kept.decode(errors="replace")


async def refuse_redirects(
    request: aiohttp.ClientRequest, handler: aiohttp.ClientHandlerType
) -> aiohttp.ClientResponse:
    """A middleware for clients that offer no option against redirects.

    Raises:
        WrongAnswerError: the answer is a redirect; our credentials are for this server alone.
    """
    response = await handler(request)
    if response.status in _REDIRECTS:
        response.close()
        raise WrongAnswerError(f"it answered {response.status}, a redirect")
    return response


def parse_answer(model: type[Model], status: int, text: str) -> Model:
    """Parse an answer with a model; unknown fields are ignored.

    Args:
        model: model of the expected answer.
        status: HTTP status.
        text: the body.

    Raises:
        WrongAnswerError: it is something else.
    """
    try:
        return model.model_validate_json(text, extra="ignore")
    except ValidationError:
        raise unexpected(status, text) from None


def parse_json(status: int, text: str) -> Any:  # noqa: ANN401 - JSON can be anything
    """An answer as JSON.

    Raises:
        WrongAnswerError: the text is not JSON, or is nested too deeply.
    """
    try:
        return from_json(text, allow_inf_nan=False)
    except ValueError:
        raise unexpected(status, text) from None


def unexpected(status: int, text: str) -> WrongAnswerError:
    """The error for an unexpected answer; the answer's text goes only into the log."""
    log.info("an unexpected answer, %d, begins: %s", status, shown(text))
    return WrongAnswerError(f"it answered {status} with {len(text)} characters of no known form")


def shown(text: str) -> str:
    """The beginning of a text, for the log: on one line and without control characters."""
    return repr(text[:_LOGGED_CHARACTERS])
