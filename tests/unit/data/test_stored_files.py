"""Input files in a bucket: the corpus is that of a disk, and errors of the server are clear."""

import gzip
import json
import logging
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import zstandard
from support.google_storage import google_storage
from support.s3_server import BUCKET, CANARY, Fault, S3Server
from support.stage_context import stage_context

from llmtrain_api.spec.data import FileFormat, Files
from llmtrain_trainer.data.readers.rows import BadRows
from llmtrain_trainer.data.runner import RUNNER as DATA_STAGE
from llmtrain_trainer.data.sources.files import FileShard, file_shards
from llmtrain_trainer.errors import UserError
from llmtrain_trainer.mirror.mirrored import mirrored
from llmtrain_trainer.object_storage import retries, stored_files
from llmtrain_trainer.object_storage.faults import StoreError
from llmtrain_trainer.object_storage.places import place_of
from llmtrain_trainer.object_storage.retries import Patience
from llmtrain_trainer.object_storage.store import ObjectStore
from llmtrain_trainer.stage import StageContext

pytestmark = pytest.mark.slow

LINES = b"".join(b'{"text": "The text of number %d"}\n' % number for number in range(200))

SOME = b"".join(b'{"text": "Another text of number %d"}\n' % number for number in range(100))


@pytest.fixture(scope="module")
def running() -> Iterator[S3Server]:
    """A server for all tests of this file."""
    with S3Server() as server:
        yield server


@pytest.fixture
def server(running: S3Server, monkeypatch: pytest.MonkeyPatch) -> Iterator[S3Server]:
    """The server, with an empty bucket that the environment gives access to."""
    for name, value in running.environment.items():
        monkeypatch.setenv(name, value)
    running.hinder()
    for name in running.names():
        running.delete(name)
    monkeypatch.setattr(retries, "_FIRST_WAIT_SECONDS", 0.01)
    monkeypatch.setattr(stored_files, "_PATIENCE", Patience(seconds=5))
    place_of.cache_clear()
    yield running
    place_of.cache_clear()


def shards(folder: Path, *urls: str, kind: FileFormat = FileFormat.JSONL) -> list[FileShard]:
    """What is found of some URLs."""
    return file_shards(Files(paths=urls, format=kind), stage_context("data", folder))


def texts(found: list[FileShard]) -> list[str]:
    """The documents of some shards."""
    return [text for shard in found for text in shard.documents(BadRows(0))]


def write_corpus(write: Callable[[str, bytes], None], folder: Path) -> None:
    """Files of every kind that is read in another way."""
    rows = pa.table({"text": [f"Row {n} of a table" for n in range(50)], "other": range(50)})
    pq.write_table(rows, folder / "made", row_group_size=10)
    write("raw/b.jsonl", LINES)
    write("raw/a.jsonl.gz", gzip.compress(SOME, mtime=0))
    write("raw/deep/c.jsonl.zst", zstandard.compress(SOME + LINES))
    write("raw/.hidden.jsonl", b"no JSON")
    write("raw/deep/rows.parquet", (folder / "made").read_bytes())
    write("raw/page one.html", b"<h1>A page</h1><p>With a text of its own.")


def corpus_of(folder: Path, prefix: str) -> tuple[dict[str, list[str]], str]:
    """The files of a corpus that is made of `raw/` below a prefix, and its report."""
    kinds = {"jsonl": "**/*.jsonl*", "parquet": "deep/*.parquet", "html": "page one.html"}
    sources = [
        {"files": {"paths": [f"{prefix}raw/{glob}"], "format": kind}}
        for kind, glob in kinds.items()
    ]
    data = {"sources": sources, "steps": [{"unicode": {}}, {"exactDedup": {}}]}
    context: StageContext = stage_context("data", folder, data=data)
    DATA_STAGE.work(context)
    root = context.workspace.documents
    files = {
        str(path.relative_to(root)): pq.read_table(path, columns=["text"])["text"].to_pylist()
        for path in sorted(root.rglob("*.parquet"))
    }
    report = context.workspace.data_report.read_text()
    shutil.rmtree(context.workspace.root)
    return files, report.replace(prefix, "") if prefix else report


def test_a_corpus_from_a_bucket_is_the_one_from_a_disk(
    server: S3Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def to_disk(name: str, data: bytes) -> None:
        path = tmp_path / "inputs" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)

    write_corpus(to_disk, tmp_path)
    write_corpus(server.write, tmp_path)
    for unit_bytes in (3000, 2**24):
        monkeypatch.setattr("llmtrain_trainer.units._SMALLEST_BYTES", unit_bytes)
        local = corpus_of(tmp_path, "")
        assert sum(map(len, local[0].values())) == 351
        assert corpus_of(tmp_path, f"s3://{BUCKET}/") == local


def test_large_files_are_read_in_parts(
    server: S3Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("llmtrain_trainer.units._SMALLEST_BYTES", 1000)
    monkeypatch.setattr(stored_files, "_BUFFER_BYTES", 256)
    server.write("a.jsonl", LINES)
    found = shards(tmp_path, f"s3://{BUCKET}/a.jsonl")
    assert [shard.part for shard in found] == [
        range(len(LINES) * n // 6, len(LINES) * (n + 1) // 6) for n in range(6)
    ]
    assert texts(found) == [json.loads(line)["text"] for line in LINES.splitlines()]


def test_a_torn_answer_is_asked_for_again(
    server: S3Server, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.WARNING)
    server.write("a.jsonl", LINES)
    found = shards(tmp_path, f"s3://{BUCKET}/a.jsonl")
    server.hinder(Fault("GET", ".*/a.jsonl", times=2, cut=100))
    assert len(texts(found)) == 200
    assert caplog.text.count("another try in") == 2


@pytest.mark.parametrize(
    "fault",
    [
        Fault("GET", ".*/a.jsonl", cut=100),
        Fault("GET", ".*/a.jsonl", 503, "SlowDown"),
        Fault("HEAD", ".*/a.jsonl", 500, "InternalError"),
    ],
    ids=["torn", "throttled", "broken"],
)
def test_retries_end(
    server: S3Server, tmp_path: Path, fault: Fault, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(stored_files, "_PATIENCE", Patience(seconds=0.05))
    server.write("a.jsonl", LINES)
    found = shards(tmp_path, f"s3://{BUCKET}/*.jsonl")
    server.hinder(fault)
    with pytest.raises(StoreError, match=rf"files\.paths s3://{BUCKET}/a\.jsonl: ") as error:
        texts(found)
    assert error.value.reason == "ObjectStorageUnreachable"


@pytest.mark.parametrize("now", [LINES + LINES, LINES[:50], None], ids=["longer", "short", "gone"])
def test_an_object_that_changes_after_it_was_found_is_named(
    server: S3Server, tmp_path: Path, now: bytes | None
) -> None:
    server.write("a.jsonl", LINES)
    found = shards(tmp_path, f"s3://{BUCKET}/*.jsonl")
    server.write("a.jsonl", now) if now else server.delete("a.jsonl")
    with pytest.raises(
        UserError, match=rf"s3://{BUCKET}/a\.jsonl: the file is .* it was found with 6,890 bytes"
    ) as error:
        texts(found)
    assert error.value.reason == "InputsChanged"


def test_a_file_on_a_disk_that_changes_while_it_is_read_is_named(tmp_path: Path) -> None:
    path = tmp_path / "inputs" / "a.jsonl"
    path.parent.mkdir()
    path.write_bytes(LINES)
    found = shards(tmp_path, "a.jsonl")
    documents = found[0].documents(BadRows(0))
    next(documents)
    path.write_bytes(LINES + LINES)
    with pytest.raises(UserError, match=r"a\.jsonl: the file has changed while the stage ran"):
        list(documents)


@pytest.mark.parametrize(
    ("url", "fault"),
    [
        (f"s3://{BUCKET}/none.jsonl", "paths s3://models/none.jsonl: there is no such file"),
        (f"s3://{BUCKET}/*/x.txt", r"paths s3://models/\*/x.txt: this glob matches no file"),
        (f"s3://{BUCKET}/raw", "this is a folder; name its files, as in s3://models/raw/"),
        ("s3://nowhere/raw/*", r"files.paths s3://nowhere/raw/\*: the bucket does not exist"),
        ("s3://nowhere/raw/a", "files.paths s3://nowhere/raw/a: the bucket does not exist"),
    ],
)
def test_a_url_that_names_no_file_is_reported(
    server: S3Server, tmp_path: Path, url: str, fault: str
) -> None:
    server.write("raw/a.jsonl", LINES)
    with pytest.raises(UserError, match=fault):
        shards(tmp_path, url)


@pytest.mark.usefixtures("server")
@pytest.mark.parametrize("name", ["a.jsonl", "raw/*.jsonl", "**/*.jsonl"])
def test_wrong_credentials_are_the_users_error(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "AKIAWRONGWRONGWRONG1")
    with pytest.raises(UserError, match=r"files\.paths s3://.* has to list and read its") as error:
        shards(tmp_path, f"s3://{BUCKET}/{name}")
    assert error.value.reason == "AccessRefused"
    assert CANARY not in error.value.message
    assert "AKIAWRONG" not in error.value.message


def test_a_file_that_cannot_be_read_as_its_format_is_named_by_its_url(
    server: S3Server, tmp_path: Path
) -> None:
    server.write("a.parquet", LINES)
    server.write("b.jsonl.gz", gzip.compress(LINES)[:-20])
    with pytest.raises(UserError, match=rf"s3://{BUCKET}/a\.parquet: no readable parquet file"):
        texts(shards(tmp_path, f"s3://{BUCKET}/a.parquet", kind=FileFormat.PARQUET))
    with pytest.raises(UserError, match=rf"s3://{BUCKET}/b\.jsonl\.gz: broken compressed data"):
        texts(shards(tmp_path, f"s3://{BUCKET}/b.jsonl.gz"))


def test_a_file_that_is_written_again_is_another_input(server: S3Server, tmp_path: Path) -> None:
    identities = set()
    for data in (LINES, LINES, LINES[:100]):
        server.write("a.txt", data)
        (shard,) = shards(tmp_path, f"s3://{BUCKET}/a.txt", kind=FileFormat.TEXT)
        identities.add(shard.identity)
    assert len(identities) >= 2


def test_files_of_google_cloud_storage_are_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    place_of.cache_clear()
    with google_storage(tmp_path) as address:
        monkeypatch.setenv("STORAGE_EMULATOR_HOST", address)
        store = ObjectStore.open("gs://models/raw", field_name="test", patience=Patience(seconds=9))
        store.put("deep/a.jsonl", LINES)
        store.put("b.jsonl", SOME)
        found = shards(tmp_path, "gs://models/raw/**/*.jsonl")
        assert len(texts(found)) == 300
        store.put("deep/a.jsonl", SOME)
        with pytest.raises(UserError, match=r"gs://models/raw/deep/a\.jsonl: the file is not what"):
            texts(found)
    place_of.cache_clear()


def test_the_report_on_a_corpus_from_a_bucket_is_in_the_mirror(
    server: S3Server, tmp_path: Path
) -> None:
    server.write("raw/a.jsonl", LINES)
    files = {"paths": [f"s3://{BUCKET}/raw/*"], "format": "jsonl"}
    data = {"sources": [{"files": files}], "steps": [{"exactDedup": {}}]}
    context = stage_context("data", tmp_path, data=data, mirror=f"s3://{BUCKET}/mirror")
    with mirrored(context):
        DATA_STAGE.work(context)
    report = context.workspace.data_report
    expected = report.read_bytes()
    shutil.rmtree(context.workspace.root)
    with mirrored(context):
        assert report.read_bytes() == expected
