"""A kubelet for clusters without nodes: every Pod is Running and Ready at once."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from typing import Self

from support.cluster.api_client import ApiClient, ApiRefusal, Json

from llmtrain_lifecycle.status_text import write_time

_MERGE = "application/merge-patch+json"
_LOOK_SECONDS = 0.1


def _running() -> Json:
    scheduled = {"type": "PodScheduled", "status": "True"}
    return {
        "phase": "Running",
        "podIP": "10.244.0.7",
        "conditions": [
            {"type": "Ready", "status": "True"},
            scheduled | {"lastTransitionTime": write_time(datetime.now(UTC))},
        ],
    }


class FakeKubelet:
    """A thread that writes the Pods' statuses; a context manager.

    Args:
        client: client for this thread alone, because a connection belongs to one thread.
    """

    def __init__(self, client: ApiClient) -> None:
        self._client, self._end = client, threading.Event()
        self._idle = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._end.set()
        self._thread.join()
        self._client.close()

    @contextmanager
    def idle(self) -> Iterator[None]:
        """Every new Pod stays Pending until the context ends."""
        self._idle.set()
        yield
        self._idle.clear()

    def _run(self) -> None:
        while not self._end.wait(_LOOK_SECONDS):
            for pod in self._client.request("GET", "/api/v1/pods")["items"]:
                if pod["status"]["phase"] == "Pending" and not self._idle.is_set():
                    self._start(pod)

    def _start(self, pod: Json) -> None:
        meta = pod["metadata"]
        path = f"/api/v1/namespaces/{meta['namespace']}/pods/{meta['name']}/status"
        with suppress(ApiRefusal):  # it is gone
            self._client.request("PATCH", path, {"status": _running()}, content=_MERGE)
