"""The one door for answers from outside: whoever answers may be anybody.

An answer is read as it comes and is bounded in bytes; the session bounds its time. It must not be
compressed: a few bytes could become gigabytes. What is in it is JSON of bounded depth.
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
    """How long an answer may be."""

    max_bytes: int
    """Bytes that are read at most; a longer answer is refused, or cut to its end."""
    end_bytes: int | None = None
    """Bytes that are kept from the end of the answer; None keeps all."""


async def read_answer(response: aiohttp.ClientResponse, limit: Limit) -> str:
    """The body of an answer.

    Args:
        response: of a session that does not decompress.
        limit: of its length.

    Raises:
        WrongAnswerError: it is longer, or compressed.
        aiohttp.ClientError: it broke off.
        TimeoutError: it took longer than the session waits.
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
    """A middleware for sessions whose requests cannot be told to follow no redirect.

    Raises:
        WrongAnswerError: the answer is a redirect; what we know is for nobody but its sender.
    """
    response = await handler(request)
    if response.status in _REDIRECTS:
        response.close()
        raise WrongAnswerError(f"it answered {response.status}, a redirect")
    return response


def parse_answer(model: type[Model], status: int, text: str) -> Model:
    """An answer as the model that it should be; fields that the model does not know are ignored.

    Args:
        model: of what was asked for.
        status: of HTTP.
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
        WrongAnswerError: it is something else, or nested too deeply.
    """
    try:
        return from_json(text, allow_inf_nan=False)
    except ValueError:
        raise unexpected(status, text) from None


def unexpected(status: int, text: str) -> WrongAnswerError:
    """The error for an answer that nobody expected; its text goes into the log alone."""
    log.info("an unexpected answer, %d, begins: %s", status, shown(text))
    return WrongAnswerError(f"it answered {status} with {len(text)} characters of no known form")


def shown(text: str) -> str:
    """The beginning of a text for the log, on one line and without control characters."""
    return repr(text[:_LOGGED_CHARACTERS])
