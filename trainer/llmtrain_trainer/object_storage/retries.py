"""Retries of what a server refuses for a while, with growing waits and a limit."""

import logging
import random
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TypeVar

from llmtrain_trainer.errors import Interrupted
from llmtrain_trainer.object_storage.faults import Permanent, Transient

_log = logging.getLogger(__name__)
T = TypeVar("T")

_FIRST_WAIT_SECONDS = 0.5
_LONGEST_WAIT_SECONDS = 30.0


@dataclass(frozen=True)
class Patience:
    """The limit of retries, whose waits double."""

    seconds: float = 120.0
    """Longest time from the first try of an operation to its last."""
    stop: threading.Event = field(default_factory=threading.Event)
    """Ends a wait."""


def retried(
    operation: Callable[[], T],
    understand: Callable[[OSError], Permanent | Transient],
    patience: Patience,
    *,
    what: str,
) -> T:
    """The result of an operation, which is tried again after faults that may pass.

    Args:
        operation: may be made several times.
        understand: judges its errors.
        patience: limits the tries.
        what: the server, for messages.

    Raises:
        UserError: another try would not help.
        StoreError: the last try met a fault too.
        Interrupted: a stop was requested during a wait.
    """
    deadline = time.monotonic() + patience.seconds
    wait = _FIRST_WAIT_SECONDS
    while True:
        try:
            return operation()
        except OSError as error:
            fault = understand(error)
            if isinstance(fault, Permanent) or time.monotonic() + wait > deadline:
                raise fault.error from error
            _log.warning("%s; another try in %.1f seconds", fault.error.message, wait)
        if patience.stop.wait(wait * random.uniform(0.5, 1)):  # noqa: S311 - spreads retries
            raise Interrupted(f"stopped while {what} could not be reached")
        wait = min(2 * wait, _LONGEST_WAIT_SECONDS)
