"""A driver that is killed at any operation of an upload or a restore loses no checkpoint."""

import os
import signal
from pathlib import Path

import numpy as np
import pytest
from support.killer import Killer
from support.mirrored_job import MirroredJob, emptied

from llmtrain_trainer.object_storage.store import ObjectStore

KILLS = 200
OPERATIONS = 150
"""More than those of a restore and two uploads, with what they delete."""


@pytest.mark.slow
def test_a_kill_before_any_of_200_random_operations_leaves_the_newest_copy(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Every other attempt begins with an empty workspace; each goes on from the mirror's newest."""
    # The kernel keeps what a killed process has written: here fsync would only take time.
    monkeypatch.setattr(os, "fsync", lambda _: None)
    (tmp_path / "mirror").mkdir()
    url, random = f"file://{tmp_path}/mirror", np.random.default_rng(0)
    copied, phases = 0, []
    for attempt, operation in enumerate(random.integers(1, OPERATIONS, size=KILLS)):
        job = MirroredJob(tmp_path / "workspace", url, attempt=attempt)
        if attempt % 2:
            emptied(job)
        phase, reported = _killed_before(int(operation), job, copied)
        phases.append(phase)
        fresh = MirroredJob(tmp_path / "fresh", url)
        newest = fresh.restored_step() or 0  # with the files that were saved at this step
        emptied(fresh)
        assert newest >= reported >= copied
        copied = newest
    assert copied > KILLS / 10
    assert phases.count("restore") > KILLS / 10
    assert phases.count("upload") > KILLS / 10


def _killed_before(operation: int, job: MirroredJob, copied: int) -> tuple[str, int]:
    """Have a driver that restores, then copies one step after the other, end at an operation.

    Returns:
        What it was at, and the last step that it had copied.
    """
    reader, writer = os.pipe()
    child = os.fork()
    if child == 0:
        _drive(job, Killer(operation), writer, copied)
    os.close(writer)
    with os.fdopen(reader) as reports:
        lines = reports.read().splitlines()
    _, status = os.waitpid(child, 0)
    assert os.WTERMSIG(status) == signal.SIGKILL
    steps = [int(line) for line in lines if line.isdecimal()]
    return lines[-1] if not lines[-1].isdecimal() else "training", (steps or [copied])[-1]


def _drive(job: MirroredJob, killer: Killer, report: int, copied: int) -> None:
    put, delete = ObjectStore._put, ObjectStore._delete

    def torn_put(store: ObjectStore, name: str, data: bytes) -> None:
        path = Path(store._root) / name
        path.parent.mkdir(parents=True, exist_ok=True)
        if not path.exists():
            path.write_bytes(data[: len(data) // 2])
            killer.count()
        put(store, name, data)

    def counted_delete(store: ObjectStore, name: str) -> None:
        killer.count()
        delete(store, name)

    ObjectStore._put = torn_put  # type: ignore[method-assign]
    ObjectStore._delete = counted_delete  # type: ignore[method-assign]
    os.write(report, b"restore\n")
    killer.start()
    uploader = job.claim()
    step = job.restored_step() or 0
    assert step >= copied
    while True:
        os.write(report, b"training\n")
        job.train(step := step + 1)
        os.write(report, b"upload\n")
        uploader.checkpoint(job.config.stage, step, keep=2)
        os.write(report, b"%d\n" % step)
