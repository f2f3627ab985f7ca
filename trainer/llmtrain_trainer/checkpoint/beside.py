"""Commits checkpoints on a thread of their own, one at a time, while training goes on."""

import time
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path

from llmtrain_trainer.checkpoint.commit import CheckpointWriter
from llmtrain_trainer.checkpoint.manifest import CheckpointState


@dataclass(frozen=True)
class Commit:
    """A checkpoint that was committed."""

    step: int
    time: float
    """Unix time of the commit, in seconds."""
    seconds: float
    """Seconds that writing and committing it took."""


class CommitThread(AbstractContextManager["CommitThread"]):
    """Commits checkpoints beside training; at most one is in flight.

    Args:
        writer: commits them; from now on only the thread calls it.
    """

    def __init__(self, writer: CheckpointWriter) -> None:
        self._writer = writer
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="checkpoint")
        self._commit: Future[Commit] | None = None

    def __exit__(self, *_: object) -> None:
        """End the thread, after the commit in flight."""
        self._thread.shutdown()

    @property
    def in_flight(self) -> bool:
        """Whether a commit has been started and its result not been taken."""
        return self._commit is not None

    def start(self, state: CheckpointState, write: Callable[[Path], None]) -> None:
        """Begin a commit; the one before has to be over and its result taken. Collective.

        Args:
            state: training state for the manifest.
            write: writes this rank's files into a given folder.
        """
        assert self._commit is None, "at most one commit is in flight"
        self._commit = self._thread.submit(self._run, state, write)

    def poll(self) -> Commit | None:
        """The commit in flight if it is over by now.

        Raises:
            UserError: the disk is full.
            StageError: a later attempt has taken over.
        """
        if self._commit is None or not self._commit.done():
            return None
        return self.wait()

    def wait(self) -> Commit | None:
        """The commit in flight, when it is over; None if there is none.

        Raises:
            UserError: the disk is full.
            StageError: a later attempt has taken over.
        """
        commit, self._commit = self._commit, None
        return None if commit is None else commit.result()

    def _run(self, state: CheckpointState, write: Callable[[Path], None]) -> Commit:
        started = time.monotonic()
        self._writer.commit(state, write)
        return Commit(state.step, time.time(), time.monotonic() - started)
