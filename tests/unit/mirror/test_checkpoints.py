"""A checkpoint in the mirror is whole or not there, and an empty workspace gets the newest one."""

import logging
from pathlib import Path

import pytest
from support.mirrored_job import KEEP, MirroredJob, emptied

from llmtrain_api.stages import Stage
from llmtrain_trainer.checkpoint.manifest import (
    checkpoint_steps,
    leftover_folders,
    pinned_step,
    step_folder,
)
from llmtrain_trainer.errors import StageError, UserError
from llmtrain_trainer.mirror import commits, upload
from llmtrain_trainer.mirror.commits import checkpoint_log, stored_blobs
from llmtrain_trainer.mirror.upload import ChangedError

STAGE = Stage.PRETRAIN


@pytest.fixture
def url(tmp_path: Path) -> str:
    """The URL of an empty mirror."""
    (tmp_path / "mirror").mkdir()
    return f"file://{tmp_path}/mirror"


@pytest.fixture
def job(tmp_path: Path, url: str) -> MirroredJob:
    """A job with the checkpoints of the steps 5 and 10, both in its mirror."""
    job = MirroredJob(tmp_path / "workspace", url)
    for step in (5, 10):
        job.train(step)
        job.copy(step)
    return job


def test_an_empty_workspace_goes_on_from_the_newest_checkpoint(job: MirroredJob) -> None:
    expected = _tree(job.checkpoints / "step-00000010")
    emptied(job)
    assert job.restored_step() == 10
    assert _tree(job.checkpoints / "step-00000010") == expected
    assert checkpoint_steps(job.checkpoints) == [10]
    log = job.workspace.metrics(STAGE)
    assert log.read_text() == "".join(f"{step}\n" for step in range(1, 11))
    assert [path.name for path in job.workspace.root.iterdir() if path.name.startswith(".")] == []


def test_a_job_without_a_copy_starts_anew(tmp_path: Path, url: str) -> None:
    assert MirroredJob(tmp_path / "workspace", url).restored_step() is None


def test_a_newer_checkpoint_in_the_workspace_is_kept(job: MirroredJob) -> None:
    job.train(15)
    assert job.restored_step() == 15
    assert checkpoint_steps(job.checkpoints) == [15, 10]


def test_an_older_workspace_takes_the_newer_checkpoint(tmp_path: Path, job: MirroredJob) -> None:
    older = MirroredJob(tmp_path / "older", job.config.mirror or "")
    older.train(3, 5)
    assert older.restored_step() == 10
    assert checkpoint_steps(older.checkpoints) == [10, 5, 3]


def test_a_torn_checkpoint_of_the_workspace_is_replaced(job: MirroredJob) -> None:
    torn = step_folder(job.checkpoints, 10) / "model.bin"
    torn.write_bytes(torn.read_bytes()[:-1])
    step_folder(job.checkpoints, 5).rename(job.checkpoints / "elsewhere")
    assert job.restored_step() == 10
    job.train(15)  # a new attempt clears up
    assert leftover_folders(job.checkpoints) == []


@pytest.mark.parametrize("damage", ["truncate", "flip", "grow", "remove", "empty"])
@pytest.mark.parametrize("kind", ["blobs", "commits"])
def test_a_torn_object_is_passed_over_and_healed(
    job: MirroredJob, kind: str, damage: str, caplog: pytest.LogCaptureFixture
) -> None:
    mirror = Path((job.config.mirror or "").removeprefix("file://"))
    if kind == "commits":
        damaged = mirror / "commits/checkpoints/pretrain/step-00000010"
    else:
        log = checkpoint_log(job.store, STAGE)
        new = log.read(10).chunks - log.read(5).chunks
        damaged = mirror / min(chunk.blob for chunk in new)
    _damage(damaged, damage)
    emptied(job)
    assert job.restored_step() == 5
    if (kind, damage) != ("commits", "remove"):
        assert "step-00000010 is not used" in caplog.text
        assert damaged.name in caplog.text
    job.train(10)
    job.copy(10)
    emptied(job)
    assert job.restored_step() == 10


def test_as_many_checkpoints_are_kept_as_in_the_workspace(job: MirroredJob) -> None:
    for step in (15, 20, 25):
        job.train(step)
        job.copy(step)
    log = checkpoint_log(job.store, STAGE)
    assert log.numbers() == [25, 20]
    assert len(log.numbers()) == KEEP
    used = {chunk.sha256 for step in log.numbers() for chunk in log.read(step).chunks}
    assert stored_blobs(job.store).keys() == used


def test_nothing_is_deleted_while_a_commit_cannot_be_read(
    job: MirroredJob, caplog: pytest.LogCaptureFixture
) -> None:
    job.store.put("commits/results/data/00000001", b"of a later version")
    blobs = stored_blobs(job.store).keys()
    job.train(15)
    job.copy(15)
    assert stored_blobs(job.store).keys() > blobs
    assert "nothing is deleted while a commit cannot be read" in caplog.text


def test_what_is_in_the_mirror_is_not_sent_again(
    job: MirroredJob, monkeypatch: pytest.MonkeyPatch
) -> None:
    puts: list[str] = []
    put = job.store._put
    monkeypatch.setattr(job.store, "_put", lambda name, data: (puts.append(name), put(name, data)))
    job.copy(10)
    assert puts == ["WRITER", "PROBE"]


def test_a_file_of_many_chunks_comes_back_whole(
    tmp_path: Path, url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(upload, "CHUNK_BYTES", 7)
    job = MirroredJob(tmp_path / "workspace", url)
    job.train(5)
    job.copy(5)
    files = checkpoint_log(job.store, STAGE).read(5).files
    assert len(files["checkpoints/pretrain/step-00000005/model.bin"].chunks) > 10
    emptied(job)
    assert job.restored_step() == 5


def test_a_damaged_checkpoint_of_the_workspace_never_reaches_the_mirror(job: MirroredJob) -> None:
    job.train(15)
    path = step_folder(job.checkpoints, 15) / "model.bin"
    path.write_bytes(b"x" * path.stat().st_size)
    with pytest.raises(ChangedError, match="changed after the commit"):
        job.copy(15)
    assert checkpoint_log(job.store, STAGE).numbers() == [10, 5]


def test_a_checkpoint_that_is_being_copied_is_not_deleted(job: MirroredJob) -> None:
    with upload._pinned(job.checkpoints, 5):
        job.train(15, 20, 25)
        assert checkpoint_steps(job.checkpoints) == [25, 20, 5]
    assert pinned_step(job.checkpoints) is None
    job.train(30)
    assert checkpoint_steps(job.checkpoints) == [30, 25]


def test_an_attempt_that_was_superseded_commits_nothing(tmp_path: Path, job: MirroredJob) -> None:
    uploader = job.claim()
    elsewhere = MirroredJob(tmp_path / "elsewhere", job.config.mirror or "", uid="job-1")
    elsewhere.claim()
    job.train(15)
    with pytest.raises(StageError, match="another attempt has taken over") as superseded:
        uploader.checkpoint(STAGE, 15, keep=KEEP)
    assert superseded.value.reason == "Superseded"
    assert elsewhere.restored_step() == 10


def test_a_commit_whose_chunks_another_attempt_deletes_is_taken_back(
    job: MirroredJob, monkeypatch: pytest.MonkeyPatch
) -> None:
    uploader = job.claim()
    job.train(15)

    def clear_up() -> None:
        blobs = stored_blobs(job.store)
        kept = {c.sha256 for n in (5, 10) for c in checkpoint_log(job.store, STAGE).read(n).chunks}
        for sha256 in blobs.keys() - kept:
            job.store.delete(f"blobs/{sha256}")

    monkeypatch.setattr(job.writer, "require", clear_up)
    with pytest.raises(ChangedError, match="chunks were deleted"):
        uploader.checkpoint(STAGE, 15, keep=KEEP)
    monkeypatch.undo()
    assert checkpoint_log(job.store, STAGE).numbers() == [10, 5]
    uploader.checkpoint(STAGE, 15, keep=KEEP)
    emptied(job)
    assert job.restored_step() == 15


def test_another_job_may_not_use_the_mirror(job: MirroredJob, tmp_path: Path) -> None:
    other = MirroredJob(tmp_path / "other", job.config.mirror or "")
    other.writer._attempt = other.writer._attempt.replace(job_name="other")
    with pytest.raises(UserError, match="holds the results of the job") as taken:
        other.claim()
    assert taken.value.reason == "MirrorTaken"


@pytest.mark.parametrize("name", ["../outside", "/outside", "models/../../outside", "a//b", "."])
def test_a_commit_names_no_files_outside_the_workspace(name: str) -> None:
    with pytest.raises(ValueError, match="no path inside a workspace"):
        commits.MirrorCommit.model_validate({"files": {name: {"sha256": "", "chunks": []}}})


def _damage(path: Path, how: str) -> None:
    content = path.read_bytes()
    match how:
        case "remove":
            path.unlink()
        case "empty":
            path.write_bytes(b"")
        case "truncate":
            path.write_bytes(content[:-1])
        case "flip":
            path.write_bytes(content[:-1] + bytes([content[-1] ^ 1]))
        case _:
            path.write_bytes(content + b"x")


def _tree(folder: Path) -> dict[str, bytes]:
    return {
        str(path.relative_to(folder)): path.read_bytes()
        for path in folder.rglob("*")
        if path.is_file()
    }


@pytest.fixture(autouse=True)
def _quiet(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
