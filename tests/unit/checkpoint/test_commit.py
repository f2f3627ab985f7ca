"""A checkpoint is committed whole, or it is not there; what is committed always loads."""

import errno
import os
from collections.abc import Callable
from pathlib import Path

import pytest
from support.checkpoints import Alone, new_writer, newest_step, write_files

from llmtrain_trainer.checkpoint.commit import CheckpointWriter
from llmtrain_trainer.checkpoint.manifest import (
    CheckpointState,
    checkpoint_steps,
    leftover_folders,
    step_folder,
)
from llmtrain_trainer.checkpoint.restore import find_restorable
from llmtrain_trainer.errors import StageError, UserError


def _commit(writer: CheckpointWriter, *steps: int) -> None:
    for step in steps:
        writer.commit(CheckpointState(step=step), write_files(step))


def test_the_newest_is_restored_and_the_oldest_is_dropped(tmp_path: Path) -> None:
    _commit(new_writer(tmp_path, keep=2), 5, 10, 15)
    assert newest_step(tmp_path) == 15
    assert checkpoint_steps(tmp_path) == [15, 10]


def test_nothing_is_found_where_nothing_was_committed(tmp_path: Path) -> None:
    assert newest_step(tmp_path / "never-made") is None


@pytest.mark.parametrize("name", ["model.bin", "deepspeed/optimizer.bin", "manifest.json"])
@pytest.mark.parametrize("damage", ["remove", "truncate", "flip", "grow"])
def test_damage_of_any_file_falls_back_and_says_why(
    tmp_path: Path, name: str, damage: str, caplog: pytest.LogCaptureFixture
) -> None:
    _commit(new_writer(tmp_path), 5, 10)
    path = step_folder(tmp_path, 10) / name
    content = path.read_bytes()
    match damage:
        case "remove":
            path.unlink()
        case "truncate":
            path.write_bytes(content[:-1])
        case "flip":
            path.write_bytes(bytes([content[0] ^ 1]) + content[1:])
        case _:
            path.write_bytes(content + b"x")
    assert newest_step(tmp_path) == 5
    assert "step-00000010 is not used" in caplog.text
    assert name in caplog.text


def test_a_checkpoint_without_its_marker_was_never_committed(tmp_path: Path) -> None:
    _commit(new_writer(tmp_path), 5, 10)
    (step_folder(tmp_path, 10) / "COMMITTED").unlink()
    assert newest_step(tmp_path) == 5
    _commit(new_writer(tmp_path, attempt=1, keep=2), 12)
    assert checkpoint_steps(tmp_path) == [12, 5]  # it counts as none of the two


def test_a_damaged_checkpoint_is_replaced_when_its_step_is_done_again(tmp_path: Path) -> None:
    _commit(new_writer(tmp_path), 5, 10)
    (step_folder(tmp_path, 10) / "model.bin").unlink()
    _commit(new_writer(tmp_path, attempt=1), 10)
    assert newest_step(tmp_path) == 10


def test_a_superseded_attempt_commits_nothing(tmp_path: Path) -> None:
    stale = new_writer(tmp_path, attempt=0)
    _commit(stale, 5)
    current = new_writer(tmp_path, attempt=1)
    with pytest.raises(StageError, match="attempt 1 of this stage has taken over"):
        _commit(stale, 10)
    assert newest_step(tmp_path) == 5
    _commit(current, 10)
    assert leftover_folders(tmp_path) == []


def test_other_settings_may_not_resume(tmp_path: Path) -> None:
    _commit(new_writer(tmp_path), 5)
    with pytest.raises(UserError, match="other settings"):
        find_restorable(tmp_path, "changed", Alone())


def test_a_full_disk_is_said_and_harms_nothing(tmp_path: Path) -> None:
    writer = new_writer(tmp_path)
    _commit(writer, 5)

    def write(folder: Path) -> None:
        (folder / "model.bin").write_bytes(b"half")
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    with pytest.raises(UserError, match=r"no space left .* of step 5, .* is untouched") as full:
        writer.commit(CheckpointState(step=10), write)
    assert full.value.reason == "DiskFull"
    assert newest_step(tmp_path) == 5
    assert leftover_folders(tmp_path) == []
    with pytest.raises(UserError, match="no checkpoint was committed yet"):
        new_writer(tmp_path / "empty").commit(CheckpointState(step=10), write)


@pytest.mark.slow
def test_a_kill_at_any_moment_leaves_a_checkpoint_that_loads(tmp_path: Path) -> None:
    moments = 0
    while not _killed_at(tmp_path / str(moments), moments):
        moments += 1
    assert moments > 10  # each fsync, rename and mkdir of a commit and of its pruning


def _killed_at(root: Path, moment: int) -> bool:
    """Kill a process at this call into the file system; returns whether it outlived its work."""
    _commit(new_writer(root, keep=2), 5, 10)
    child = os.fork()
    if child == 0:
        _die_at(moment)
        _commit(new_writer(root, attempt=1, keep=2), 15)
        os._exit(0)
    _, status = os.waitpid(child, 0)
    survived = os.waitstatus_to_exitcode(status) == 0
    assert newest_step(root) in ({15} if survived else {10, 15})
    _commit(new_writer(root, attempt=2, keep=2), 20)
    assert newest_step(root) == 20
    assert leftover_folders(root) == []
    return survived


def _die_at(moment: int) -> None:
    calls = 0

    def dying(function: Callable[..., object]) -> Callable[..., object]:
        def call(*args: object, **kwargs: object) -> object:
            nonlocal calls
            if calls == moment:
                os._exit(137)
            calls += 1
            return function(*args, **kwargs)

        return call

    for name in ("fsync", "rename", "replace", "mkdir", "unlink", "rmdir"):
        setattr(os, name, dying(getattr(os, name)))
