"""A stage with a mirror: copied beside training and at its end, stopped, superseded."""

import threading
from collections.abc import Callable
from pathlib import Path

import pytest
from support.mirrored_job import MirroredJob, emptied

from llmtrain_api.stages import Stage
from llmtrain_trainer.completion import made_from, mark_complete
from llmtrain_trainer.errors import GateError, Interrupted, StageError
from llmtrain_trainer.mirror import beside
from llmtrain_trainer.mirror.commits import (
    checkpoint_log,
    collect_garbage,
    initial_log,
    result_log,
)
from llmtrain_trainer.mirror.mirrored import mirrored
from llmtrain_trainer.object_storage.faults import StoreError
from llmtrain_trainer.object_storage.retries import Patience
from llmtrain_trainer.object_storage.store import ObjectStore


@pytest.fixture
def job(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> MirroredJob:
    """A job with an empty mirror."""
    monkeypatch.setattr(beside, "_LOOK_SECONDS", 0.01)
    (tmp_path / "mirror").mkdir()
    return MirroredJob(tmp_path / "workspace", f"file://{tmp_path}/mirror")


def _run(job: MirroredJob, work: Callable[[], None]) -> None:
    with mirrored(job.context):
        work()


def _wait(condition: threading.Event) -> None:
    assert condition.wait(60)


def _copied(monkeypatch: pytest.MonkeyPatch, step: int) -> threading.Event:
    """An event that is set once a step's checkpoint is in the mirror."""
    copied, put = threading.Event(), ObjectStore._put

    def watched(store: ObjectStore, name: str, data: bytes) -> None:
        put(store, name, data)
        if name.endswith(f"step-{step:08d}"):
            copied.set()

    monkeypatch.setattr(ObjectStore, "_put", watched)
    return copied


def test_a_checkpoint_is_copied_while_training_goes_on_and_the_model_at_the_end(
    job: MirroredJob, monkeypatch: pytest.MonkeyPatch
) -> None:
    copied = _copied(monkeypatch, 5)
    model = job.workspace.model("pretrained")
    with mirrored(job.context):
        job.train(5)
        _wait(copied)
        assert result_log(job.store, Stage.PRETRAIN).numbers() == []
        job.train(10)
        model.mkdir(parents=True)
        (model / "model.safetensors").write_bytes(b"weights")
    assert checkpoint_log(job.store, Stage.PRETRAIN).numbers() == [10, 5]
    files = result_log(job.store, Stage.PRETRAIN).read(1).files
    assert set(files) == {"models/pretrained/model.safetensors", "metrics/pretrain.jsonl"}
    emptied(job)
    with mirrored(job.context):
        assert (model / "model.safetensors").read_bytes() == b"weights"
        assert job.restored_step() == 10
        (model / "model.safetensors").write_bytes(b"others")
    assert result_log(job.store, Stage.PRETRAIN).numbers() == [2]


def test_a_model_of_the_hub_is_there_before_what_stands_on_it(job: MirroredJob) -> None:
    job = job.starting_from("someone/tiny")
    model = job.workspace.model("initial")
    model.mkdir(parents=True)
    (model / "model.safetensors").write_bytes(b"of today")
    mark_complete(model, "someone/tiny")
    job.train(5)
    with pytest.raises(Interrupted), mirrored(job.context):
        raise Interrupted("a drain")
    assert initial_log(job.store).numbers() == [1]
    emptied(job)
    assert job.restored_step() == 5
    assert (model / "model.safetensors").read_bytes() == b"of today"
    collect_garbage(job.store)
    emptied(job)
    job.restored_step()
    assert made_from(model) == "someone/tiny"


def test_a_mirror_that_fails_while_ranks_train_is_a_warning_and_at_the_end_an_error(
    job: MirroredJob, monkeypatch: pytest.MonkeyPatch
) -> None:
    failed = threading.Event()

    def fail(_store: ObjectStore, name: str, _data: bytes) -> None:
        if name.startswith("blobs/"):
            failed.set()
            raise OSError("AWS Error SLOW_DOWN during PutObject operation")

    put = ObjectStore._put
    patience = Patience(seconds=0)
    monkeypatch.setattr("llmtrain_trainer.mirror.mirrored.Patience", lambda **_: patience)

    def work() -> None:
        monkeypatch.setattr(ObjectStore, "_put", fail)
        job.train(5)
        _wait(failed)

    with pytest.raises(StoreError, match="SLOW_DOWN"):
        _run(job, work)
    [warning] = job.context.progress.report.warnings
    assert warning.startswith("the mirror lags behind: workspace.mirror")
    monkeypatch.setattr(ObjectStore, "_put", put)
    with mirrored(job.context):
        pass
    assert checkpoint_log(job.store, Stage.PRETRAIN).numbers() == [5]


def test_a_stop_leaves_time_for_the_last_checkpoint(job: MirroredJob) -> None:
    def work() -> None:
        job.train(5)
        job.context.stop.set()
        raise Interrupted("after step 5")

    with pytest.raises(Interrupted, match="after step 5"):
        _run(job, work)
    assert checkpoint_log(job.store, Stage.PRETRAIN).numbers() == [5]


def test_a_stage_that_failed_does_not_wait_for_its_mirror(
    job: MirroredJob, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(beside, "_LOOK_SECONDS", 60)

    def work() -> None:
        job.train(5)
        raise StageError("the loss is nan")

    with pytest.raises(StageError, match="the loss is nan"):
        _run(job, work)
    assert checkpoint_log(job.store, Stage.PRETRAIN).numbers() == []


def test_the_report_of_a_gate_that_was_not_met_is_copied_too(job: MirroredJob) -> None:
    def work() -> None:
        job.train(5)
        raise GateError("the loss is 3")

    with pytest.raises(GateError):
        _run(job, work)
    assert result_log(job.store, Stage.PRETRAIN).numbers() == [1]


def test_a_superseded_attempt_is_stopped_and_says_why(job: MirroredJob, tmp_path: Path) -> None:
    def work() -> None:
        MirroredJob(tmp_path / "elsewhere", job.config.mirror or "", uid="job-1").claim()
        job.train(5)
        _wait(job.context.stop)
        raise Interrupted("stopped after step 5")

    with pytest.raises(StageError, match="another attempt has taken over"):
        _run(job, work)


def test_a_workspace_without_a_mirror_has_none(job: MirroredJob) -> None:
    context = job.context
    object.__setattr__(context, "config", context.config.replace(mirror=None))
    with mirrored(context):
        job.train(5)
    assert list(job.workspace.root.glob("**/PINNED")) == []
