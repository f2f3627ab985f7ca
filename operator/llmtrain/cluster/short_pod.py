"""Runs a short-lived Pod and returns its output."""

import asyncio
import json
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from http import HTTPStatus

from llmtrain.errors import LogError
from llmtrain.jobs import Remark
from llmtrain_clients import paths
from llmtrain_clients.http import Reply
from llmtrain_clients.kubernetes_api import Json, KubernetesApi
from llmtrain_clients.kubernetes_errors import KubernetesError
from llmtrain_lifecycle.observed import ObservedPod

_WITHIN_SECONDS = 300
"""Time for pulling an image of several GB."""
_LOOK_SECONDS = 0.5
_IN_VAIN = {
    "CreateContainerConfigError",
    "CreateContainerError",
    "ErrImageNeverPull",
    "ImagePullBackOff",
    "InvalidImageName",
    "RunContainerError",
}


async def run_pod(
    api: KubernetesApi,
    namespace: str,
    pod: Json,
    *,
    remark: Remark,
    within_seconds: float = _WITHIN_SECONDS,
) -> str:
    """Create a Pod, wait for its end, and delete it in any case.

    Args:
        api: client of the cluster.
        namespace: namespace of the Pod.
        pod: body of the Pod.
        remark: hears of a Pod that cannot be deleted.
        within_seconds: time limit.

    Returns:
        The Pod's output.

    Raises:
        LogError: the Pod failed, or has not ended in time.
        KubernetesError: the API server refuses the Pod, or cannot be reached.
    """
    async with _made(api, namespace, pod, remark) as path:
        ended = await _end(api, path, within_seconds)
        if ended["status"]["phase"] == "Succeeded":
            return await _log(api, path)
        try:
            text = await _log(api, path)
        except LogError:
            text = ""  # none of its containers was ever started
    raise LogError(text.strip() or _why_it_failed(ended))


@asynccontextmanager
async def _made(
    api: KubernetesApi, namespace: str, pod: Json, remark: Remark
) -> AsyncIterator[str]:
    """The path of the Pod, which exists while the context is open."""
    path = f"{paths.pods(namespace)}/{pod['metadata']['name']}"
    making = asyncio.create_task(api.ensure(paths.pods(namespace), pod))
    try:
        # Ctrl-C ends this wait, not the request: the server may have made the Pod already.
        await asyncio.shield(making)
        yield path
    finally:
        (made,) = await asyncio.gather(making, return_exceptions=True)
        if not isinstance(made, BaseException):
            await _delete(api, path, made, remark)


async def _delete(api: KubernetesApi, path: str, made: Json, remark: Remark) -> None:
    try:
        await api.delete(path, uid=made["metadata"]["uid"])
    except KubernetesError as error:
        remark(f"The Pod {made['metadata']['name']} stays behind: {error}")


async def _end(api: KubernetesApi, path: str, within_seconds: float) -> Json:
    """Wait for the Pod's end, and return the Pod."""
    deadline = time.monotonic() + within_seconds
    while True:
        body = await api.get(path)
        if body is None:
            raise LogError("somebody deleted the Pod")
        pod = ObservedPod.model_validate(body)
        if pod.ended:
            return body
        reason, message = _why_it_waits(pod)
        if reason in _IN_VAIN:
            raise LogError(f"the Pod cannot start: {reason}: {message}")
        if time.monotonic() > deadline:
            problem = f"the Pod has not ended within {within_seconds:.0f} s"
            raise LogError(f"{problem}: {message}" if message else problem)
        await asyncio.sleep(_LOOK_SECONDS)


def _why_it_waits(pod: ObservedPod) -> tuple[str, str]:
    """Reason and message of a waiting Pod; empty if its status has none."""
    for container in pod.containers:
        if container.state.waiting is not None:
            return container.state.waiting.reason, container.state.waiting.message
    scheduled = pod.condition("PodScheduled")
    if scheduled is not None and scheduled.status != "True":
        return scheduled.reason, scheduled.message
    return "", ""


async def _log(api: KubernetesApi, path: str) -> str:
    try:
        reply = await api.request("GET", f"{path}/log")
    except UnicodeDecodeError as error:
        # A log may hold any bytes, and its tail may begin inside a character.
        return error.object.decode(errors="replace")
    if reply.status != HTTPStatus.OK:
        raise LogError(f"the Pod's log cannot be read: {_refusal(reply)}")
    return reply.text


def _refusal(reply: Reply) -> str:
    try:
        message: str = json.loads(reply.text)["message"]
    except (ValueError, LookupError, TypeError):
        return reply.text
    return message


def _why_it_failed(pod: Json) -> str:
    """Reason why a Pod printed nothing: it was not started, or was killed."""
    for container in pod["status"].get("containerStatuses", ()):
        ended = container.get("state", {}).get("terminated") or {}
        if ended.get("message") or ended.get("reason"):
            return f"the Pod failed: {ended.get('message') or ended['reason']}"
    return f"the Pod failed: {pod['status'].get('message') or pod['status'].get('reason', '')}"
