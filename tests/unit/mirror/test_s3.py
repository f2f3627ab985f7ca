"""The mirror on an S3 server over HTTP: round trip, throttling, credentials, a missing bucket."""

import logging
from collections.abc import Iterator
from pathlib import Path

import pytest
from support.mirrored_job import MirroredJob, emptied
from support.s3_server import BUCKET, CANARY, Fault, S3Server

from llmtrain_trainer.errors import UserError
from llmtrain_trainer.mirror.mirrored import mirrored
from llmtrain_trainer.object_storage import retries
from llmtrain_trainer.object_storage.faults import StoreError
from llmtrain_trainer.object_storage.retries import Patience

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def running() -> Iterator[S3Server]:
    """A server for all tests of this file."""
    with S3Server() as server:
        yield server


@pytest.fixture
def server(running: S3Server, monkeypatch: pytest.MonkeyPatch) -> S3Server:
    """The server, with an empty bucket that the environment gives access to."""
    for name, value in running.environment.items():
        monkeypatch.setenv(name, value)
    running.hinder()
    for name in running.names():
        running.delete(name)
    monkeypatch.setattr(retries, "_FIRST_WAIT_SECONDS", 0.01)
    return running


@pytest.fixture
def url(server: S3Server) -> str:
    """The URL of an empty mirror."""
    assert server.names() == []
    return f"s3://{BUCKET}/team/job"


def test_an_empty_workspace_goes_on_from_the_bucket(
    server: S3Server, tmp_path: Path, url: str
) -> None:
    job = MirroredJob(tmp_path / "workspace", url)
    for step in (5, 10, 15):
        job.train(step)
        job.copy(step)
    emptied(job)
    assert job.restored_step() == 15
    commits = [name for name in server.names() if "commits" in name and not name.endswith("/")]
    assert commits == [
        f"team/job/commits/checkpoints/pretrain/step-000000{step}" for step in (10, 15)
    ]


def test_a_torn_object_in_the_bucket_is_passed_over(
    server: S3Server, tmp_path: Path, url: str
) -> None:
    job = MirroredJob(tmp_path / "workspace", url)
    for step in (5, 10):
        job.train(step)
        job.copy(step)
    name = "team/job/commits/checkpoints/pretrain/step-00000010"
    server.write(name, server.read(name)[:-10])
    emptied(job)
    assert job.restored_step() == 5


@pytest.mark.parametrize("method", ["PUT", "GET", "HEAD", "DELETE"])
def test_throttling_is_waited_out(
    server: S3Server, tmp_path: Path, url: str, method: str, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.WARNING)
    job = MirroredJob(tmp_path / "workspace", url, patience=Patience(seconds=60))
    job.train(5)
    server.hinder(Fault(method, "/.*", 503, "SlowDown", times=3))
    job.copy(5)
    emptied(job)
    assert job.restored_step() == 5
    assert caplog.text.count("another try in") == 3
    assert "workspace.mirror s3://" in caplog.text


@pytest.mark.parametrize("method", ["PUT", "GET"])
def test_a_store_that_never_answers_is_no_empty_mirror(
    server: S3Server, tmp_path: Path, url: str, method: str
) -> None:
    job = MirroredJob(tmp_path / "workspace", url)
    job.train(5)
    job.copy(5)
    emptied(job)
    server.hinder(Fault(method, "/.*", 503, "SlowDown"))
    with pytest.raises(StoreError, match=r"workspace\.mirror s3://models/team/job: ") as error:
        job.copy(5) if method == "PUT" else job.restored_step()
    assert error.value.reason == "ObjectStorageUnreachable"
    assert not list(job.workspace.root.iterdir())


def test_an_upload_that_was_broken_off_leaves_the_one_before(
    server: S3Server, tmp_path: Path, url: str
) -> None:
    job = MirroredJob(tmp_path / "workspace", url)
    job.train(5)
    job.copy(5)
    job.train(10)
    server.hinder(Fault("PUT", ".*/commits/.*", 500, "InternalError"))
    with pytest.raises(StoreError):
        job.copy(10)
    server.hinder()
    emptied(job)
    assert job.restored_step() == 5


def test_wrong_credentials_are_the_users_error(
    server: S3Server, tmp_path: Path, url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "AKIAWRONGWRONGWRONG1")
    with pytest.raises(UserError, match=r"workspace\.mirror s3://.* access was refused") as error:
        MirroredJob(tmp_path / "workspace", url, patience=Patience(seconds=60)).claim()
    assert error.value.reason == "AccessRefused"
    assert CANARY not in error.value.message
    assert "AKIAWRONG" not in error.value.message
    assert server.names() == []


@pytest.mark.parametrize(
    ("method", "path"),
    [("PUT", "/.*"), ("HEAD", "/.*"), ("DELETE", "/.*"), ("GET", f"/{BUCKET}")],
    ids=["write", "read", "delete", "list"],
)
def test_each_missing_permission_is_found_before_anything_is_trained(
    server: S3Server, tmp_path: Path, url: str, method: str, path: str
) -> None:
    server.hinder(Fault(method, path, 403, "AccessDenied"))
    context = MirroredJob(tmp_path / "workspace", url).context
    with (
        pytest.raises(UserError, match="it has to list, read, write and delete"),
        mirrored(context),
    ):
        pytest.fail("the stage began")


@pytest.mark.usefixtures("server")
def test_a_missing_bucket_is_the_users_error(tmp_path: Path) -> None:
    job = MirroredJob(tmp_path / "workspace", "s3://nowhere/job", patience=Patience(seconds=60))
    with pytest.raises(UserError, match=r"s3://nowhere/job: the bucket does not exist") as error:
        job.claim()
    assert error.value.reason == "BucketMissing"


def test_a_missing_folder_is_the_users_error(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="the folder does not exist; create it"):
        MirroredJob(tmp_path / "workspace", f"file://{tmp_path}/nowhere")
