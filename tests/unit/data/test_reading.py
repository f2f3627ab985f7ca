"""Broken files are named, with the place and the fault."""

import bz2
import gzip
import json
import lzma
import os
from collections.abc import Callable
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import zstandard
from hypothesis import given
from hypothesis import strategies as st
from support.stage_context import stage_context

from llmtrain_api.spec.data import FileFormat, Files
from llmtrain_trainer.data.readers.inputs import input_files
from llmtrain_trainer.data.readers.parquet import read_parquet, row_group_bytes
from llmtrain_trainer.data.readers.reading import filled_lines
from llmtrain_trainer.data.readers.rows import BadRows
from llmtrain_trainer.data.sources.files import file_shards
from llmtrain_trainer.errors import UserError
from llmtrain_trainer.object_storage.stored_files import StoredFile

GOOD = b'{"text": "one"}\n\n{"text": "two", "other": 1}\n'


SKIPPABLE_FRAME = bytes.fromhex("50 2a 4d 18 04 00 00 00") + b"note"


def zstd_with_window(data: bytes, window_log: int) -> bytes:
    """What `zstd --long=31` makes of a stream."""
    parameters = zstandard.ZstdCompressionParameters(window_log=window_log)
    packer = zstandard.ZstdCompressor(compression_params=parameters).compressobj()
    return packer.compress(data) + packer.flush()


def read(
    folder: Path,
    name: str,
    data: bytes,
    kind: FileFormat,
    bad_rows: BadRows | None = None,
    text_field: str = "text",
) -> list[str]:
    """The documents of one file in the inputs folder."""
    context = stage_context("data", folder)
    (folder / "inputs" / name).write_bytes(data)
    (shard,) = file_shards(Files(paths=(name,), format=kind, text_field=text_field), context)
    return list(shard.documents(bad_rows or BadRows(0)))


@pytest.mark.parametrize(
    ("name", "pack"),
    [
        ("a.jsonl", bytes),
        ("a.jsonl.gz", gzip.compress),
        ("a.jsonl.zst", zstandard.compress),
        (
            "two-frames.jsonl.zst",
            lambda data: zstandard.compress(data[:9]) + zstandard.compress(data[9:]),
        ),
        ("skippable.jsonl.zst", lambda data: SKIPPABLE_FRAME + zstandard.compress(data)),
        ("long.jsonl.zst", lambda data: zstd_with_window(data, 31)),
        ("two-members.jsonl.gz", lambda data: gzip.compress(data[:9]) + gzip.compress(data[9:])),
        ("padded.jsonl.gz", lambda data: gzip.compress(data) + bytes(512)),
    ],
)
def test_json_lines_are_read_plain_and_compressed(
    tmp_path: Path, name: str, pack: Callable[[bytes], bytes]
) -> None:
    assert read(tmp_path, name, pack(GOOD), FileFormat.JSONL) == ["one", "two"]


@pytest.mark.parametrize(
    ("line", "fault"),
    [
        (b'{"text": "thr', r"bad\.jsonl: line 4: each line must be one JSON object; Unterminated"),
        (b"[1, 2]", r"line 4: each line must be one JSON object; found \[1, 2\]"),
        (b"[" * 100_000, "line 4: each line must be one JSON object; .*recursion"),
        (b"1" * 5_000, "line 4: each line must be one JSON object; .*digits"),
        (b'{"body": "x"}', "line 4: no field 'text'; the fields are: body; set textField"),
        (b'{"text": null}', "line 4: field 'text' must be a string; found None"),
        (b'{"text": "\xff"}', "line 4: not UTF-8: byte 0xff at offset 10 of the line"),
    ],
)
def test_a_broken_json_line_is_named_by_its_number(tmp_path: Path, line: bytes, fault: str) -> None:
    with pytest.raises(UserError, match=fault):
        read(tmp_path, "bad.jsonl", GOOD + line, FileFormat.JSONL)


@pytest.mark.parametrize(
    ("name", "data"),
    [
        ("cut.jsonl.zst", zstandard.compress(GOOD * 1000)[:-5]),
        ("cut.jsonl.gz", gzip.compress(GOOD * 1000, mtime=0)[:-5]),
        ("junk.jsonl.gz", gzip.compress(GOOD, mtime=0) + b"junk"),
        ("junk.jsonl.zst", zstandard.compress(GOOD) + b"junk"),
        ("none.jsonl.zst", b"this is no zst"),
        ("none.jsonl.gz", b"this is no gz"),
    ],
)
def test_broken_compressed_data_is_reported(tmp_path: Path, name: str, data: bytes) -> None:
    with pytest.raises(UserError, match=f"{name}: broken compressed data: .*; fetch or write"):
        read(tmp_path, name, data, FileFormat.JSONL)


@given(data=st.text("a\n\u00e4", max_size=40), count=st.integers(1, 6))
def test_parts_of_a_file_have_each_line_once(
    tmp_path_factory: pytest.TempPathFactory, data: str, count: int
) -> None:
    path = tmp_path_factory.mktemp("parts") / "a.jsonl"
    path.write_text(data)
    size = path.stat().st_size
    parts = [range(size * n // count, size * (n + 1) // count) for n in range(count)]
    lines = [line for part in parts for _, line in filled_lines(path, part)]
    assert lines == [line for _, line in filled_lines(path)]


def test_a_line_in_a_part_is_named_from_the_part_on(tmp_path: Path) -> None:
    path = tmp_path / "a.jsonl"
    path.write_bytes(GOOD)
    ((place, _),) = filled_lines(path, range(16, len(GOOD)))
    assert place == f"{path}: line 2 after byte 16"


def test_row_groups_are_parts_with_the_numbers_of_their_rows(tmp_path: Path) -> None:
    path = tmp_path / "a.parquet"
    pq.write_table(pa.table({"text": ["one", "two", "three"]}), path, row_group_size=1)
    assert len(row_group_bytes(path)) == 3
    assert [*read_parquet(path, ["text"], range(1, 3))] == [*read_parquet(path, ["text"])][1:]


def test_a_byte_order_mark_is_no_row(tmp_path: Path) -> None:
    mark = "\ufeff".encode()
    assert read(tmp_path, "a.jsonl", mark, FileFormat.JSONL) == []
    assert read(tmp_path, "a.jsonl", mark + b"\n" + GOOD + mark, FileFormat.JSONL) == ["one", "two"]


@pytest.mark.parametrize(
    ("name", "pack", "ending"),
    [
        ("a.jsonl", gzip.compress, r"gzip data; .* \.gz"),
        ("a.json.txt", zstandard.compress, r"zstd data; .* \.zst"),
        ("a.jsonl.bz2", bz2.compress, "bzip2 data; unpack it"),
        ("a.jsonl.xz", lzma.compress, "xz data; unpack it"),
        ("a.zip", lambda _: b"PK\x03\x04\xff", "a zip archive; unpack it"),
        ("utf16.jsonl", lambda data: data.decode().encode("utf-16"), "UTF-16; .* to UTF-8"),
    ],
)
@pytest.mark.parametrize("kind", [FileFormat.JSONL, FileFormat.TEXT])
def test_a_file_of_another_kind_is_recognized_by_its_first_bytes(
    tmp_path: Path, name: str, pack: Callable[[bytes], bytes], ending: str, kind: FileFormat
) -> None:
    with pytest.raises(UserError, match=f"{name}: line 1: not UTF-8: .*{ending}"):
        read(tmp_path, name, pack(GOOD), kind)


def test_text_is_one_document_without_its_byte_order_mark(tmp_path: Path) -> None:
    data = "\ufefföne\ntwo\n".encode()
    assert read(tmp_path, "a.txt", data, FileFormat.TEXT) == ["öne\ntwo\n"]


def test_text_that_is_not_utf8_is_named_by_line_and_offset(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"a\.txt: line 2: not UTF-8: byte 0xe9 at offset 6 of"):
        read(tmp_path, "a.txt", b"one\nca\xe9\n", FileFormat.TEXT)


@pytest.mark.parametrize(
    "page",
    [
        "<meta charset=shift_jis><p>日本".encode("shift_jis"),
        '<META http-equiv=x content="text/html; charset=Shift_JIS"><p>日本'.encode("shift_jis"),
        '<?xml version="1.0" encoding="euc-jp"?><p>日本'.encode("euc-jp"),
        "\ufeff<p>日本".encode("utf-16-le"),
        "\ufeff<p>日本".encode("utf-16-be"),
        "\ufeff<meta charset=latin1><p>日本".encode(),
        "<meta charset=utf-16><p>日本".encode(),
        "<p>日本".encode(),
    ],
)
def test_pages_are_read_in_the_charset_that_they_declare(tmp_path: Path, page: bytes) -> None:
    (text,) = read(tmp_path, "a.html", page, FileFormat.HTML)
    assert text.endswith("<p>日本")


def test_pages_in_another_charset_than_they_declare_are_named_or_skipped(tmp_path: Path) -> None:
    page = "<p>caf\xe9".encode("latin1")
    with pytest.raises(UserError, match=r"a\.html: not utf-8: byte 0xe9 at offset 6; declare the"):
        read(tmp_path, "a.html", page, FileFormat.HTML)
    assert read(tmp_path, "a.html", page, FileFormat.HTML, BadRows(1)) == []


def parquet(folder: Path, **columns: list[object]) -> bytes:
    """A parquet file's bytes."""
    path = folder / "made.parquet"
    pq.write_table(pa.table(columns), path)
    return path.read_bytes()


def test_parquet_rows_are_documents(tmp_path: Path) -> None:
    data = parquet(tmp_path, text=["one", "two"], other=[1, 2])
    assert read(tmp_path, "a.parquet", data, FileFormat.PARQUET) == ["one", "two"]


def test_faults_of_parquet_files_are_named(tmp_path: Path) -> None:
    data = parquet(tmp_path, text=["one", None])
    with pytest.raises(UserError, match="row 2: field 'text' must be a string; found None"):
        read(tmp_path, "null.parquet", data, FileFormat.PARQUET)
    with pytest.raises(UserError, match="row 1: no field 'text'; the fields are: body"):
        read(tmp_path, "other.parquet", parquet(tmp_path, body=["one"]), FileFormat.PARQUET)
    with pytest.raises(UserError, match=r"text\.parquet: no readable parquet file"):
        read(tmp_path, "text.parquet", json.dumps([1]).encode(), FileFormat.PARQUET)


def test_texts_inside_other_fields_and_texts_as_bytes_are_read(tmp_path: Path) -> None:
    rows = [{"text": b"one", "meta": {"text": "four"}, "a.b": "seven"}]
    rows += [{"text": "zwölf".encode(), "meta": {"text": "five"}, "a.b": "eight"}]
    path = tmp_path / "made.parquet"
    pq.write_table(pa.Table.from_pylist(rows), path)
    data = path.read_bytes()
    assert read(tmp_path, "a.parquet", data, FileFormat.PARQUET) == ["one", "zwölf"]
    nested = read(tmp_path, "a.parquet", data, FileFormat.PARQUET, text_field="meta.text")
    assert nested == ["four", "five"]
    dotted = read(tmp_path, "a.parquet", data, FileFormat.PARQUET, text_field="a.b")
    assert dotted == ["seven", "eight"]
    line = b'{"meta": {"text": "four"}, "a.b": "seven"}\n'
    assert read(tmp_path, "a.jsonl", line, FileFormat.JSONL, text_field="meta.text") == ["four"]
    with pytest.raises(
        UserError, match=r"line 1: no field 'meta\.body'; the fields are: meta\.text;"
    ):
        read(tmp_path, "a.jsonl", line, FileFormat.JSONL, text_field="meta.body")
    with pytest.raises(UserError, match=r"row 2: field 'text' is not UTF-8: byte 0xff at offset 1"):
        read(tmp_path, "b.parquet", parquet(tmp_path, text=[b"a", b"b\xff"]), FileFormat.PARQUET)


def test_texts_that_parquet_only_calls_utf8_are_bad_rows(tmp_path: Path) -> None:
    raw = pa.array([b"one", b"b\xff", b"two"])
    texts = pa.Array.from_buffers(pa.string(), 3, raw.buffers())
    inner = pa.StructArray.from_arrays([texts], names=["text"])
    coded = pa.DictionaryArray.from_arrays([0, 1, 2], texts)
    path = tmp_path / "made.parquet"
    pq.write_table(pa.table({"text": texts, "meta": inner, "coded": coded}), path)
    data = path.read_bytes()
    with pytest.raises(UserError, match=r"a\.parquet: no readable parquet file: .*UTF8"):
        read(tmp_path, "a.parquet", data, FileFormat.PARQUET, text_field="coded")
    for field in ("text", "meta.text"):
        skipped = BadRows(1)
        found = read(tmp_path, "a.parquet", data, FileFormat.PARQUET, skipped, text_field=field)
        assert found == ["one", "two"]
        assert f"row 2: field '{field}' is not UTF-8: byte 0xff" in skipped.examples[0]


def test_a_missing_column_is_named_whatever_the_others_hold(tmp_path: Path) -> None:
    times = pa.array([2**62] * 2, pa.timestamp("us"))  # no date of Python's
    path = tmp_path / "made.parquet"
    pq.write_table(pa.table({"body": ["one", "two"], "time": times}), path)
    skipped = BadRows(2)
    assert read(tmp_path, "a.parquet", path.read_bytes(), FileFormat.PARQUET, skipped) == []
    assert "row 1: no field 'text'; the fields are: body, time;" in skipped.examples[0]


def test_bad_rows_are_skipped_up_to_the_limit_of_the_source(tmp_path: Path) -> None:
    data = b'{"text": \n' + GOOD + b'{"text": null}\n{"body": "x"}\n'
    skipped = BadRows(3)
    assert read(tmp_path, "a.jsonl", data, FileFormat.JSONL, skipped) == ["one", "two"]
    assert skipped.count == 3
    assert [
        example.partition("a.jsonl: ")[2].partition(":")[0] for example in skipped.examples
    ] == [
        "line 1",
        "line 5",
        "line 6",
    ]
    fault = r"line 6: no field 'text'.* \(bad row 3 of this source; maxBadRows is 2\)"
    with pytest.raises(UserError, match=fault):
        read(tmp_path, "a.jsonl", data, FileFormat.JSONL, BadRows(2))
    rows = parquet(tmp_path, text=["one", None, "two"])
    assert read(tmp_path, "a.parquet", rows, FileFormat.PARQUET, BadRows(1)) == ["one", "two"]


def found(folder: Path, *patterns: str) -> list[Path | StoredFile]:
    """The files that paths name, from the inputs folder on."""
    return [file.path for file in input_files(patterns, "paths", stage_context("data", folder))]


@pytest.fixture
def inputs(tmp_path: Path) -> Path:
    """The inputs folder of `tmp_path`."""
    (tmp_path / "inputs").mkdir()
    return tmp_path / "inputs"


def test_globs_are_sorted_recursive_and_give_each_file_once(tmp_path: Path, inputs: Path) -> None:
    for name in ("b.txt", "a.txt", "deep/er/c.txt", "d.md"):
        path = inputs / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()
    every = found(tmp_path, "b.txt", "**/*.txt")
    assert every == [inputs / name for name in ("b.txt", "a.txt", "deep/er/c.txt")]
    assert found(tmp_path, str(inputs / "d.md")) == [inputs / "d.md"]


def test_a_file_is_read_once_whatever_it_is_called(tmp_path: Path, inputs: Path) -> None:
    (inputs / "deep").mkdir()
    (inputs / "a.txt").touch()
    (inputs / "b.txt").symlink_to("a.txt")
    patterns = ["a.txt", "./a.txt", "deep/../a.txt", str(inputs / "a.txt"), "b.txt", "*.txt"]
    assert found(tmp_path, *patterns) == [inputs / "a.txt"]


def test_a_file_whose_name_is_no_text_is_refused(tmp_path: Path, inputs: Path) -> None:
    (inputs / os.fsdecode(b"caf\xe9.txt")).touch()
    with pytest.raises(UserError, match=r"caf\\xe9\.txt: the name of this file is not UTF-8"):
        found(tmp_path, "*.txt")


@pytest.mark.parametrize(
    ("pattern", "fault"),
    [
        ("none.txt", r"none\.txt: no such file; relative paths start from"),
        ("*.txt", r"\*\.txt: this glob matches no file"),
        ("folder", r"folder: this is a folder; name its files, as in folder/\*"),
    ],
)
def test_a_path_that_names_no_file_is_reported(
    tmp_path: Path, inputs: Path, pattern: str, fault: str
) -> None:
    (inputs / "folder").mkdir()
    with pytest.raises(UserError, match=fault):
        found(tmp_path, pattern)
