"""News of a stage, and their way from the process that measures to the driver."""

import http.client
import json
import logging
import threading
import urllib.error
import urllib.request
from typing import Any, Protocol, Self, TypedDict, Unpack

from llmtrain_api.goodput import WorkSeconds
from llmtrain_api.progress import joined_warnings
from llmtrain_api.training_metrics import TrainingMetrics

_MEASURED = set(TrainingMetrics.model_fields)

Changes = dict[str, Any]
"""Fields of a progress report that have changed, as JSON."""


class StageChanges(TypedDict, total=False):
    """Changes of a progress report beside its metrics."""

    percent: float
    activity: str
    warnings: tuple[str, ...]
    """They are added to those before."""
    work: WorkSeconds


def changes_of_stage(news: StageChanges) -> Changes:
    """The changes as JSON."""
    changes: Changes = {**news}
    if "work" in news:
        changes["work"] = news["work"].model_dump(by_alias=False)
    return changes


def changes_of_metrics(measured: TrainingMetrics) -> Changes:
    """The fields that were set, as JSON; what a subclass adds is no part of a report."""
    return measured.model_dump(mode="json", by_alias=False, exclude_unset=True, include=_MEASURED)


def merged(older: Changes, newer: Changes) -> Changes:
    """The newest value of each field; warnings and scalars add up."""
    together = {**older, **newer}
    warnings = joined_warnings(older.get("warnings", ()), newer.get("warnings", ()))
    if warnings:
        together["warnings"] = warnings
    scalars = {**(older.get("scalars") or {}), **(newer.get("scalars") or {})}
    if scalars:
        together["scalars"] = scalars
    return together


class Reporter(Protocol):
    """Takes news of a stage; never makes it wait."""

    def update(self, **changes: Unpack[StageChanges]) -> None:
        """Tell what is new; fields that are not named stay as they are."""
        ...

    def log(self, measured: TrainingMetrics) -> None:
        """Take measurements; fields that were not set stay as they are."""
        ...


class NullReporter:
    """Says nothing: for the ranks that rank 0 speaks for."""

    def update(self, **changes: Unpack[StageChanges]) -> None:
        """Do nothing."""

    def log(self, measured: TrainingMetrics) -> None:
        """Do nothing."""


_log = logging.getLogger(__name__)
_PERIOD_SECONDS = 1.0
_TIMEOUT_SECONDS = 10.0


class HttpReporter:
    """Posts the newest changes once a second from a thread of its own.

    Every post, an empty one too, is answered with whether the stage is to stop. A driver that
    cannot be reached is no reason to stop training: it is tried again.

    Args:
        url: URL of the driver's report path.
        token: token that the driver requires.
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
