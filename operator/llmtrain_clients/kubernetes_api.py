"""The Kubernetes API: the few requests that the operator makes, as JSON."""

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from http import HTTPStatus
from types import TracebackType
from typing import Any, Self

import aiohttp
from kubernetes.aio import client, config
from kubernetes.aio.client.exceptions import ApiException
from pydantic import BaseModel

from llmtrain_clients.answers import (
    UNCOMPRESSED,
    Limit,
    WrongAnswerError,
    parse_answer,
    parse_json,
    read_answer,
    refuse_redirects,
    unexpected,
)
from llmtrain_clients.http import Reply

Json = dict[str, Any]
Observer = Callable[[str, int], None]

FIELD_MANAGER = "llmtrain"
_JSON_HEADERS = {
    "Accept": "application/json",
    "Content-Type": "application/json",
    **UNCOMPRESSED,
}
_TIMEOUT_SECONDS = 30
_PAGE_LENGTH = 100
_PAGE = Limit(256 * 2**20)
"""As many objects as a page has, each of the largest size that etcd takes."""
_MESSAGE_CHARACTERS = 2000


class KubernetesError(Exception):
    """The API server did not do what it was asked, or cannot be reached.

    Attributes:
        status: HTTP status; 0 where there was no answer.
        reason: the API's own word for it: `NotFound`, `Conflict`, `Forbidden`.
    """

    def __init__(self, status: int, reason: str, message: str) -> None:
        super().__init__(message)
        self.status, self.reason = status, reason

    @property
    def is_not_found(self) -> bool:
        """Whether the object, or its kind, is not there."""
        return self.status == HTTPStatus.NOT_FOUND

    @property
    def is_refusal(self) -> bool:
        """Whether the API server will not have it, as long as nobody changes something."""
        retried = {HTTPStatus.UNAUTHORIZED, HTTPStatus.CONFLICT, HTTPStatus.TOO_MANY_REQUESTS}
        client_s = HTTPStatus.BAD_REQUEST <= self.status < HTTPStatus.INTERNAL_SERVER_ERROR
        return client_s and self.status not in retried

    @property
    def is_server_fault(self) -> bool:
        """Whether the API server answered with a fault, such as a webhook that does not answer."""
        return self.status >= HTTPStatus.INTERNAL_SERVER_ERROR

    @property
    def is_conflict(self) -> bool:
        """Whether the object is there already, or has changed in between."""
        return self.status == HTTPStatus.CONFLICT


class _Status(BaseModel):
    """The API server's reason for a refusal."""

    reason: str = ""
    message: str = ""


@dataclass(frozen=True)
class Listing:
    """All objects of a collection at one moment."""

    items: list[Json]
    version: int
    """Resource version of the list, which may lack newer objects; 0 without such a kind."""


class KubernetesApi:
    """A client of the API server; a context manager.

    It finds the server as kubectl does, or as a Pod does.

    Args:
        observe: is told the method and the status of each answer; 0 where there was none.
    """

    def __init__(self, observe: Observer = lambda _method, _status: None) -> None:
        self._observe = observe
        self._client: client.ApiClient | None = None

    async def __aenter__(self) -> Self:
        configuration = client.Configuration()
        try:
            if "KUBERNETES_SERVICE_HOST" in os.environ and "KUBECONFIG" not in os.environ:
                config.load_incluster_config(configuration)
            else:
                await config.load_kube_config(client_configuration=configuration)
        except config.ConfigException as error:
            message = f"no cluster is known (KUBECONFIG, ~/.kube/config): {error}"
            raise KubernetesError(0, "NoCluster", message) from error
        # Requests to heads that do not answer must not take the connections of the others.
        configuration.connection_pool_maxsize = 0
        configuration.client_session_kwargs = {
            "auto_decompress": False,
            "cookie_jar": aiohttp.DummyCookieJar(),
            "middlewares": (refuse_redirects,),
        }
        self._client = client.ApiClient(configuration)
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        assert self._client is not None, "entered before"
        await self._client.close()

    async def get(self, path: str) -> Json | None:
        """An object; None where there is none of this name.

        Raises:
            KubernetesError: refused, or not reached.
        """
        try:
            return await self._json("GET", path)
        except KubernetesError as error:
            if error.is_not_found:
                return None
            raise

    async def list(self, path: str, *, label: str = "") -> Listing:
        """All objects of a collection; with a label, whatever its value, those that have it.

        A kind that the cluster does not have has no objects.

        Raises:
            KubernetesError: refused, or not reached.
        """
        query = {"limit": str(_PAGE_LENGTH)} | ({"labelSelector": label} if label else {})
        items: list[Json] = []
        while True:
            try:
                page = await self._json("GET", path, query=query)
            except KubernetesError as error:
                if error.is_not_found:
                    return Listing([], 0)
                raise
            with as_expected("a list"):
                items += map(_as_read, page["items"])
                following = page["metadata"].get("continue")
                if not following:
                    # All pages are of the moment of the first.
                    return Listing(items, int(page["metadata"]["resourceVersion"]))
            query["continue"] = str(following)

    async def refusal(self, path: str) -> str | None:
        """What the API server says to whoever may not list a collection; None where we may.

        Raises:
            KubernetesError: not reached, or a fault of the API server.
        """
        try:
            await self._json("GET", path, query={"limit": "1"})
        except KubernetesError as error:
            if not error.is_refusal:
                raise
            return None if error.is_not_found else str(error)
        return None

    async def create(self, path: str, body: Json) -> bool:
        """Make an object; False where there is one of this name.

        Raises:
            KubernetesError: refused, or not reached.
        """
        try:
            await self._accepted("POST", path, body, query={"fieldManager": FIELD_MANAGER})
        except KubernetesError as error:
            if error.reason == "AlreadyExists":
                return False
            raise
        return True

    async def ensure(self, path: str, body: Json) -> Json:
        """Make an object where there is none of its name; returns what is there then.

        One that is there is found also where its making is refused: a quota that is used up
        refuses an object before the API server sees that it exists.

        Raises:
            KubernetesError: refused, or not reached; a conflict where one of its name was there,
                and has gone in between.
        """
        try:
            return await self._json("POST", path, body, query={"fieldManager": FIELD_MANAGER})
        except KubernetesError as error:
            if error.reason != "AlreadyExists" and not error.is_refusal:
                raise
            found = await self._found(path, body["metadata"]["name"], error)
            if found is None:
                raise
            return found

    async def _found(self, path: str, name: str, refusal: KubernetesError) -> Json | None:
        """An object whose making was refused; where nobody may look, the refusal is what counts."""
        try:
            return await self._named(path, name)
        except KubernetesError as error:
            raise (refusal if error.is_refusal else error) from None

    async def _named(self, path: str, name: str) -> Json | None:
        """An object, found by the right to list alone; None where there is none."""
        page = await self._json("GET", path, query={"fieldSelector": f"metadata.name={name}"})
        with as_expected("a list"):
            return next(map(_as_read, page["items"]), None)

    async def merge(self, path: str, body: Json) -> None:
        """Change some fields of an object, as `kubectl patch --type=merge` does.

        Raises:
            KubernetesError: refused, or not reached.
        """
        await self._accepted("PATCH", path, body, content_type="application/merge-patch+json")

    async def replace_status(self, path: str, body: Json) -> Json:
        """Write an object's status; returns the object.

        Args:
            path: of the object.
            body: names, the resourceVersion that was read, and the status.

        Raises:
            KubernetesError: refused, or not reached; a conflict where the object has changed
                since it was read.
        """
        query = {"fieldManager": FIELD_MANAGER}
        return await self._json("PUT", path + "/status", body, query=query)

    async def delete(self, path: str, *, uid: str) -> None:
        """Delete the object with this uid; one that is gone, or another of its name, is left.

        Raises:
            KubernetesError: refused, or not reached.
        """
        options = {"preconditions": {"uid": uid}, "propagationPolicy": "Background"}
        try:
            await self._accepted("DELETE", path, options)
        except KubernetesError as error:
            if not (error.is_not_found or error.is_conflict):
                raise

    async def _json(
        self,
        method: str,
        path: str,
        body: Json | None = None,
        *,
        query: dict[str, str] | None = None,
    ) -> Json:
        """Send a request, and read what it answers."""
        reply = await self._accepted(method, path, body, query=query)
        try:
            answer = parse_json(reply.status, reply.text)
            if not isinstance(answer, dict):
                raise unexpected(reply.status, reply.text)
        except WrongAnswerError as error:
            raise _wrong(str(error)) from error
        return answer

    async def _accepted(
        self,
        method: str,
        path: str,
        body: Json | None = None,
        *,
        query: dict[str, str] | None = None,
        content_type: str = "application/json",
    ) -> Reply:
        headers = {"Content-Type": content_type}
        reply = await self.request(method, path, body, query=query, headers=headers)
        if reply.status >= HTTPStatus.BAD_REQUEST:
            raise _error(reply)
        return reply

    async def request(
        self,
        method: str,
        path: str,
        body: object = None,
        *,
        query: dict[str, str] | None = None,
        headers: dict[str, str] | None = None,
        limit: Limit = _PAGE,
    ) -> Reply:
        """A request as it is; any status is an answer.

        Raises:
            KubernetesError: the API server cannot be reached.
        """
        assert self._client is not None, "entered before"
        request = await self._client.param_serialize(
            method,
            path,
            query_params=list((query or {}).items()),
            header_params=_JSON_HEADERS | (headers or {}),
            body=body,
            auth_settings=["BearerToken"],
        )
        try:
            answer = await self._client.call_api(*request, _request_timeout=_TIMEOUT_SECONDS)
            async with answer.response as response:
                reply = Reply(response.status, await read_answer(response, limit))
        except WrongAnswerError as error:
            self._observe(method, 0)
            raise _wrong(str(error)) from error
        except (aiohttp.ClientError, TimeoutError, ApiException) as error:
            self._observe(method, 0)
            message = f"the API server cannot be reached: {type(error).__name__}"
            raise KubernetesError(0, "Unreachable", message) from error
        self._observe(method, reply.status)
        return reply


def _as_read(item: Json) -> Json:
    """Without the list of who wrote which field: as long as the object, and nobody reads it."""
    item["metadata"].pop("managedFields", None)
    return item


@contextmanager
def as_expected(what: str) -> Iterator[None]:
    """Read an answer that has a known form, unless something else than the API server sent it.

    Raises:
        KubernetesError: it has another form.
    """
    try:
        yield
    except (LookupError, TypeError, ValueError, AttributeError) as error:
        raise _wrong(f"it did not answer with {what}") from error


def _wrong(message: str) -> KubernetesError:
    return KubernetesError(0, "WrongAnswer", f"the API server cannot be understood: {message}")


def _error(reply: Reply) -> KubernetesError:
    """What a refusal says; the server answers with a Status object, a proxy before it with text."""
    try:
        status = parse_answer(_Status, reply.status, reply.text)
    except WrongAnswerError as error:
        return KubernetesError(reply.status, "Refused", str(error))
    return KubernetesError(
        reply.status,
        status.reason or "Refused",
        status.message[:_MESSAGE_CHARACTERS] or f"it answered {reply.status}",
    )
