"""Reports to the driver from another process, on this machine or another."""

import http.client
import json
import logging
import threading
import urllib.error
import urllib.request
from typing import Self, Unpack

from llmtrain_api.training_metrics import TrainingMetrics
from llmtrain_trainer.progress.changes import (
    Changes,
    StageChanges,
    changes_of_metrics,
    changes_of_stage,
    merged,
)

_log = logging.getLogger(__name__)
_PERIOD_SECONDS = 1.0
_TIMEOUT_SECONDS = 10.0


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
        self._changes: Changes = {}
        self._closing = threading.Event()
        self._reachable = True
        self._thread = threading.Thread(target=self._run, name="progress", daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._closing.set()
        self._thread.join()

    def update(self, **changes: Unpack[StageChanges]) -> None:
        """Tell what is new; only the newest is sent, and every warning."""
        self._add(changes_of_stage(changes))

    def log(self, measured: TrainingMetrics) -> None:
        """Take measurements; only the newest are sent."""
        self._add(changes_of_metrics(measured))

    def _add(self, changes: Changes) -> None:
        with self._lock:
            self._changes = merged(self._changes, changes)

    def _run(self) -> None:
        while not self._closing.wait(_PERIOD_SECONDS):
            self._send()
        self._send()

    def _send(self) -> None:
        with self._lock:
            changes, self._changes = self._changes, {}
        request = urllib.request.Request(  # noqa: S310 - the URL is our own driver's
            self._url,
            data=json.dumps(changes).encode(),
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
                self._changes = merged(changes, self._changes)
