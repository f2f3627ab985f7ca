"""Commits on a thread: one at a time, reported when they are committed, and safe from any kill."""

import os
import signal
import threading
from pathlib import Path

import numpy as np
import pytest
from support.checkpoints import new_writer, newest_step, write_files
from support.killer import Killer

from llmtrain_trainer.checkpoint.beside import CommitThread
from llmtrain_trainer.checkpoint.manifest import CheckpointState
from llmtrain_trainer.errors import StageError

KILLS = 200
OPERATIONS = 80
"""More than those of two commits, with what they delete."""


def test_a_commit_is_reported_once_it_is_committed_and_not_before(tmp_path: Path) -> None:
    goes_on = threading.Event()

    def write(folder: Path) -> None:
        goes_on.wait()
        write_files(5)(folder)

    with CommitThread(new_writer(tmp_path)) as thread:
        thread.start(CheckpointState(step=5), write)
        assert thread.in_flight
        assert thread.poll() is None
        assert newest_step(tmp_path) is None
        with pytest.raises(AssertionError, match="at most one"):
            thread.start(CheckpointState(step=6), write_files(6))
        goes_on.set()
        commit = thread.wait()
        assert commit is not None
        assert commit.step == newest_step(tmp_path) == 5
        assert not thread.in_flight
        assert thread.poll() is None


def test_an_error_of_the_thread_is_raised_where_its_result_is_taken(tmp_path: Path) -> None:
    with CommitThread(new_writer(tmp_path)) as thread:
        new_writer(tmp_path, attempt=1)
        thread.start(CheckpointState(step=5), write_files(5))
        with pytest.raises(StageError, match="attempt 1 of this stage has taken over"):
            thread.wait()
        assert not thread.in_flight


@pytest.mark.slow
def test_a_kill_before_any_of_200_random_file_operations_leaves_the_newest_commit(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each attempt is killed while it saves, and the next one goes on from its newest commit."""
    # The kernel keeps what a killed process has written: here fsync would only take time.
    monkeypatch.setattr(os, "fsync", lambda _: None)
    new_writer(tmp_path).commit(CheckpointState(step=1), write_files(1))
    operations = np.random.default_rng(0).integers(1, OPERATIONS, size=KILLS)
    committed = 1
    for attempt, operation in enumerate(operations):
        reported = _killed_before(int(operation), tmp_path, committed, attempt)
        newest = newest_step(tmp_path) or 0
        assert newest >= reported >= committed
        committed = newest
    assert committed > KILLS / 10


def _killed_before(operation: int, root: Path, step: int, attempt: int) -> int:
    """Have a process that saves one step after the other end before a file operation.

    Returns:
        The last step that it reported.
    """
    reader, writer = os.pipe()
    child = os.fork()
    if child == 0:
        with CommitThread(new_writer(root, attempt=attempt, keep=2)) as thread:
            os.write(writer, b"%d\n" % step)
            Killer(operation).start()
            while True:
                step += 1
                thread.start(CheckpointState(step=step), write_files(step))
                commit = thread.wait()
                assert commit is not None
                os.write(writer, b"%d\n" % commit.step)
    os.close(writer)
    with os.fdopen(reader, "rb") as reports:
        reported = reports.read()
    _, status = os.waitpid(child, 0)
    assert os.WTERMSIG(status) == signal.SIGKILL
    return int(reported.split()[-1])
