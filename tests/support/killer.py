"""Kills this process before a counted file operation, so that no test depends on time."""

import os
import signal
import sys

_OPERATIONS = {"open", "os.mkdir", "os.remove", "os.rename", "os.rmdir"}


class Killer:
    """Ends its process with SIGKILL, once `start` was called.

    Args:
        operation: the operation before which it dies, counted from 1.
    """

    def __init__(self, operation: int) -> None:
        self._left = operation

    def start(self) -> None:
        """Count the file operations of this process from now on."""
        sys.addaudithook(self._hear)

    def count(self) -> None:
        """Count an operation that Python does not see."""
        self._left -= 1
        if self._left == 0:
            os.kill(os.getpid(), signal.SIGKILL)

    def _hear(self, event: str, _arguments: tuple[object, ...]) -> None:
        if event in _OPERATIONS:
            self.count()
