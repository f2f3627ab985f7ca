"""Errors of the Kubernetes API: refusals, and answers that cannot be used."""

from collections.abc import Iterator
from contextlib import contextmanager
from http import HTTPStatus

from pydantic import BaseModel

from llmtrain_clients.answers import WrongAnswerError, parse_answer
from llmtrain_clients.http import Reply

_MESSAGE_CHARACTERS = 2000


class KubernetesError(Exception):
    """The API server refused a request, or cannot be reached.

    Attributes:
        status: HTTP status; 0 if there was no answer.
        reason: reason of the API server, such as  `NotFound`, `Conflict`, `Forbidden`.
    """

    def __init__(self, status: int, reason: str, message: str) -> None:
        super().__init__(message)
        self.status, self.reason = status, reason

    @property
    def is_not_found(self) -> bool:
        """Whether the object, or its kind, does not exist."""
        return self.status == HTTPStatus.NOT_FOUND

    @property
    def is_refusal(self) -> bool:
        """Whether the same request will be refused until somebody changes something."""
        retried = {HTTPStatus.UNAUTHORIZED, HTTPStatus.CONFLICT, HTTPStatus.TOO_MANY_REQUESTS}
        client_s = HTTPStatus.BAD_REQUEST <= self.status < HTTPStatus.INTERNAL_SERVER_ERROR
        return client_s and self.status not in retried

    @property
    def is_server_fault(self) -> bool:
        """Whether the API server itself failed, for example because a webhook does not answer."""
        return self.status >= HTTPStatus.INTERNAL_SERVER_ERROR

    @property
    def is_conflict(self) -> bool:
        """Whether the object exists already, or has changed in between."""
        return self.status == HTTPStatus.CONFLICT


class _Status(BaseModel):
    """The API server's Status object: the reason for a refusal."""

    reason: str = ""
    message: str = ""


@contextmanager
def as_expected(what: str) -> Iterator[None]:
    """Parse an answer of a known form, which something else than the API server may have sent.

    Raises:
        KubernetesError: the answer has another form.
    """
    try:
        yield
    except (LookupError, TypeError, ValueError, AttributeError) as error:
        raise wrong_answer(f"it did not answer with {what}") from error


def wrong_answer(message: str) -> KubernetesError:
    """The error of an answer that something else than the API server seems to have sent."""
    return KubernetesError(0, "WrongAnswer", f"the API server cannot be understood: {message}")


def refused(reply: Reply) -> KubernetesError:
    """The error of a refusal, from the server's Status object, or a proxy's text."""
    try:
        status = parse_answer(_Status, reply.status, reply.text)
    except WrongAnswerError as error:
        return KubernetesError(reply.status, "Refused", str(error))
    return KubernetesError(
        reply.status,
        status.reason or "Refused",
        status.message[:_MESSAGE_CHARACTERS] or f"it answered {reply.status}",
    )
