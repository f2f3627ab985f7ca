"""A client of the Kubernetes API with the few requests of the operator, as JSON."""

import os
from collections.abc import Callable
from dataclasses import dataclass
from http import HTTPStatus
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import aiohttp
from kubernetes.aio import client, config
from kubernetes.aio.client.exceptions import ApiException

from llmtrain_clients.answers import (
    UNCOMPRESSED,
    Limit,
    WrongAnswerError,
    parse_json,
    read_answer,
    refuse_redirects,
    unexpected,
)
from llmtrain_clients.http import Reply
from llmtrain_clients.kubernetes_errors import KubernetesError, as_expected, refused, wrong_answer

Json = dict[str, Any]
Observer = Callable[[str, int], None]

FIELD_MANAGER = "llmtrain"
_JSON = "application/json"
_METADATA_ALONE = f"{_JSON};as=PartialObjectMetadata;g=meta.k8s.io;v=v1"
_JSON_HEADERS = {
    "Accept": _JSON,
    "Content-Type": _JSON,
    **UNCOMPRESSED,
}
_TIMEOUT_SECONDS = 30
_PAGE_LENGTH = 100
_PAGE = Limit(256 * 2**20)
"""Limit of a page: its number of objects, each of the largest size that etcd stores."""


@dataclass(frozen=True)
class Listing:
    """All objects of a collection at one moment."""

    items: list[Json]
    version: int
    """Resource version of the list, which may lack newer objects; 0 if the kind does not exist."""


def named_kubeconfig(path: Path | None) -> str | None:
    """The kubeconfig that somebody names, by a path or in the environment; None if nobody does.

    The library reads the environment once, when it is imported.
    """
    return str(path) if path else os.environ.get("KUBECONFIG")


class KubernetesApi:
    """A client of the API server; a context manager.

    It finds the server from a kubeconfig, or from a Pod's service account.

    Args:
        observe: called with the method and status of each answer; 0 if there was none.
        kubeconfig: the kubeconfig; None for KUBECONFIG, a Pod's service account, ~/.kube/config.
        context: context of the kubeconfig; None for the current one.
        may_write: whether this process may change anything now; asked before each write.
    """

    def __init__(
        self,
        observe: Observer = lambda _method, _status: None,
        *,
        kubeconfig: Path | None = None,
        context: str | None = None,
        may_write: Callable[[], bool] = lambda: True,
    ) -> None:
        self._observe, self._may_write = observe, may_write
        self._kubeconfig, self._context = kubeconfig, context
        self._client: client.ApiClient | None = None

    async def __aenter__(self) -> Self:
        configuration = client.Configuration()
        try:
            named = named_kubeconfig(self._kubeconfig)
            if named or self._context or "KUBERNETES_SERVICE_HOST" not in os.environ:
                await config.load_kube_config(
                    named, context=self._context, client_configuration=configuration
                )
            else:
                config.load_incluster_config(configuration)
        except config.ConfigException as error:
            message = f"no cluster is known (KUBECONFIG, ~/.kube/config): {error}"
            raise KubernetesError(0, "NoCluster", message) from error
        # Requests to heads that do not answer must not use up the connections to the others.
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
        """Read an object; None if there is none with this name.

        Raises:
            KubernetesError: refused, or not reached.
        """
        try:
            return await self._json("GET", path)
        except KubernetesError as error:
            if error.is_not_found:
                return None
            raise

    async def metadata(self, path: str) -> Json | None:
        """Read an object's metadata without the rest of it; None if there is none with this name.

        The values of a Secret stay in the API server.

        Raises:
            KubernetesError: refused, or not reached.
        """
        try:
            answer = await self._json("GET", path, accept=_METADATA_ALONE)
        except KubernetesError as error:
            if error.is_not_found:
                return None
            raise
        with as_expected("metadata"):
            metadata: Json = _as_read(answer)["metadata"]
        return metadata

    async def list(self, path: str, *, label: str = "") -> Listing:
        """List all objects of a collection, or those with a label, whatever its value.

        The list is empty if the cluster does not have the kind.

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
                    # All pages show the state at the first one.
                    return Listing(items, int(page["metadata"]["resourceVersion"]))
            query["continue"] = str(following)

    async def refusal(self, path: str) -> str | None:
        """The API server's message if we may not list a collection; None if we may.

        Raises:
            KubernetesError: the API server cannot be reached, or fails.
        """
        try:
            await self._json("GET", path, query={"limit": "1"})
        except KubernetesError as error:
            if not error.is_refusal:
                raise
            return None if error.is_not_found else str(error)
        return None

    async def create(self, path: str, body: Json) -> bool:
        """Create an object; False if there is one with this name.

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
        """Create an object unless it exists; returns the object.

        An existing object is also found if its creation is refused: a used-up quota refuses an
        object before the API server sees that it exists.

        Raises:
            KubernetesError: refused, or not reached; a conflict if an object with this name was
                deleted in between.
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
        """The existing object after a refused creation, if we may read it."""
        try:
            return await self._named(path, name)
        except KubernetesError as error:
            raise (refusal if error.is_refusal else error) from None

    async def _named(self, path: str, name: str) -> Json | None:
        """Read an object with the right to list alone; None if there is none."""
        page = await self._json("GET", path, query={"fieldSelector": f"metadata.name={name}"})
        with as_expected("a list"):
            return next(map(_as_read, page["items"]), None)

    async def merge(self, path: str, body: Json) -> None:
        """Change some fields of an object, like `kubectl patch --type=merge`.

        Raises:
            KubernetesError: refused, or not reached.
        """
        await self._accepted("PATCH", path, body, content_type="application/merge-patch+json")

    async def replace_status(self, path: str, body: Json) -> Json:
        """Write an object's status; returns the object.

        The API server refuses fields that the definition does not have: it is older than this
        operator, and would drop them without a word.

        Args:
            path: path of the object.
            body: names, the resourceVersion that was read, and the status.

        Raises:
            KubernetesError: refused, or not reached; a conflict if the object has changed since it
                was read.
        """
        query = {"fieldManager": FIELD_MANAGER, "fieldValidation": "Strict"}
        return await self._json("PUT", path + "/status", body, query=query)

    async def replace(self, path: str, body: Json) -> Json:
        """Write an object in the place of what was read; returns the object.

        Args:
            path: path of the object.
            body: the object, with the resourceVersion that was read.

        Raises:
            KubernetesError: refused, or not reached; a conflict if the object has changed since it
                was read.
        """
        return await self._json("PUT", path, body, query={"fieldManager": FIELD_MANAGER})

    async def delete(self, path: str, *, uid: str) -> None:
        """Delete the object with this UID; another object with its name is left alone.

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
        accept: str = _JSON,
    ) -> Json:
        """Send a request, and read the answer."""
        reply = await self._accepted(method, path, body, query=query, accept=accept)
        try:
            answer = parse_json(reply.status, reply.text)
            if not isinstance(answer, dict):
                raise unexpected(reply.status, reply.text)
        except WrongAnswerError as error:
            raise wrong_answer(str(error)) from error
        return answer

    async def _accepted(
        self,
        method: str,
        path: str,
        body: Json | None = None,
        *,
        query: dict[str, str] | None = None,
        content_type: str = _JSON,
        accept: str = _JSON,
    ) -> Reply:
        headers = {"Content-Type": content_type, "Accept": accept}
        reply = await self.request(method, path, body, query=query, headers=headers)
        if reply.status >= HTTPStatus.BAD_REQUEST:
            raise refused(reply)
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
        """Send a request; any status is an answer.

        Raises:
            KubernetesError: the API server cannot be reached, or this process may not write.
        """
        # Here and not before: a process that was paused goes on where it was.
        if method != "GET" and not self._may_write():
            raise KubernetesError(0, "NotLeading", "another operator leads: nothing is written")
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
            raise wrong_answer(str(error)) from error
        except (aiohttp.ClientError, TimeoutError, ApiException) as error:
            self._observe(method, 0)
            message = f"the API server cannot be reached: {type(error).__name__}"
            raise KubernetesError(0, "Unreachable", message) from error
        self._observe(method, reply.status)
        return reply


def _as_read(item: Json) -> Json:
    """An object without `managedFields`, a list as long as the object that nobody reads."""
    item["metadata"].pop("managedFields", None)
    return item
