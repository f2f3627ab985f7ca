"""The mirror in Google Cloud Storage, as an emulator has it over HTTP."""

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from support.google_storage import BUCKET, google_storage
from support.mirrored_job import MirroredJob, emptied

from llmtrain_trainer.errors import UserError
from llmtrain_trainer.object_storage import connect
from llmtrain_trainer.object_storage.faults import StoreError
from llmtrain_trainer.object_storage.retries import Patience
from llmtrain_trainer.object_storage.store import ObjectStore

_FIELD = "workspace.mirror"
_EMULATOR = "STORAGE_EMULATOR_HOST"

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with google_storage(tmp_path_factory.mktemp("google")) as address:
        yield address


def test_an_empty_workspace_goes_on_from_the_bucket(
    running: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(_EMULATOR, running)
    job = MirroredJob(tmp_path / "workspace", f"gs://{BUCKET}/team/job")
    for step in (5, 10, 15):
        job.train(step)
        job.copy(step)
    emptied(job)
    assert job.restored_step() == 15
    assert sorted(job.store.sizes("commits")) == [
        f"checkpoints/pretrain/step-000000{step}" for step in (10, 15)
    ]


def test_a_missing_bucket_is_the_users_error(running: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(_EMULATOR, running)
    mirror = ObjectStore.open("gs://missing/job", field_name=_FIELD, patience=Patience(seconds=60))
    with pytest.raises(UserError, match=r"workspace\.mirror gs://missing/job: the bucket does not"):
        mirror.check()


def test_a_server_that_is_away_is_given_up_after_our_own_patience(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(connect, "_GOOGLE_RETRIES", timedelta(milliseconds=1))
    monkeypatch.setenv(_EMULATOR, "http://127.0.0.1:1")
    mirror = ObjectStore.open(f"gs://{BUCKET}/job", field_name=_FIELD, patience=Patience(seconds=0))
    with pytest.raises(StoreError, match=r"workspace\.mirror gs://models/job: "):
        mirror.get("WRITER")
