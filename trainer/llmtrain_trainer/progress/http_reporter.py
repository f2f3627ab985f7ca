"""Reports to the driver from another process, on this machine or another."""

import http.client
import json
import logging
import threading
import urllib.error
import urllib.request
from types import TracebackType
from typing import Self, Unpack

from pydantic import BaseModel

from llmtrain_api.progress import joined_warnings
from llmtrain_trainer.progress.tracker import ProgressChanges

_log = logging.getLogger(__name__)
_PERIOD_SECONDS = 1.0
_TIMEOUT_SECONDS = 10.0


def _as_json(value: object) -> object:
    assert isinstance(value, BaseModel), value
    return value.model_dump(by_alias=False)


def _merged(older: ProgressChanges, newer: ProgressChanges) -> ProgressChanges:
    merged: ProgressChanges = {**older, **newer}
    warnings = joined_warnings(older.get("warnings", ()), newer.get("warnings", ()))
    if warnings:
        merged["warnings"] = warnings
    return merged


class HttpReporter:
    """Posts the newest changes once a second from a thread of its own.

    Every post, an empty one too, is answered with whether the stage is to stop. A driver that
    cannot be reached is no reason to stop training: it is tried again.

    Args:
        url: of the driver's report path.
        token: that the driver asks for.
        stop: set when the driver says so.
    """

    def __init__(self, url: str, token: str, stop: threading.Event) -> None:
        self._url, self._token, self._stop = url, token, stop
        self._lock = threading.Lock()
        self._changes: ProgressChanges = {}
        self._closing = threading.Event()
        self._reachable = True
        self._thread = threading.Thread(target=self._run, name="progress", daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._closing.set()
        self._thread.join()

    def update(self, **changes: Unpack[ProgressChanges]) -> None:
        """Tell what is new; only the newest is sent, and every warning."""
        with self._lock:
            self._changes = _merged(self._changes, changes)

    def _run(self) -> None:
        while not self._closing.wait(_PERIOD_SECONDS):
            self._send()
        self._send()

    def _send(self) -> None:
        with self._lock:
            changes, self._changes = self._changes, {}
        request = urllib.request.Request(  # noqa: S310 - the URL is our own driver's
            self._url,
            data=json.dumps(changes, default=_as_json).encode(),
            headers={"Authorization": f"Bearer {self._token}"},
        )
        try:
            with urllib.request.urlopen(request, timeout=_TIMEOUT_SECONDS) as reply:  # noqa: S310
                if json.load(reply)["stop"]:
                    self._stop.set()
            self._reachable = True
        except (urllib.error.URLError, http.client.HTTPException, TimeoutError, OSError) as error:
            if self._reachable:
                _log.warning("the driver cannot be reached: %s; training goes on", error)
            self._reachable = False
            with self._lock:
                self._changes = _merged(changes, self._changes)
