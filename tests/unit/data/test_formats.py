"""The formats csv, warc and wet, and templates that join fields."""

import gzip
import random
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import zstandard
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError
from support.stage_context import documents_of, stage_context

from llmtrain_api.data_report import DataReport, Size
from llmtrain_api.spec.data import Files
from llmtrain_trainer.data import report
from llmtrain_trainer.data.readers import csv_file, reading, warc
from llmtrain_trainer.data.readers.reading import filled_lines
from llmtrain_trainer.data.readers.rows import BadRows
from llmtrain_trainer.data.report import Tally, total
from llmtrain_trainer.data.runner import RUNNER as DATA_STAGE
from llmtrain_trainer.data.sources.files import file_shards
from llmtrain_trainer.errors import UserError


def read(
    folder: Path, name: str, data: bytes, bad_rows: BadRows | None = None, **settings: object
) -> list[str]:
    """The documents of one file in the inputs folder."""
    context = stage_context("data", folder)
    (folder / "inputs" / name).write_bytes(data)
    (shard,) = file_shards(Files.model_validate({"paths": [name], **settings}), context)
    return list(shard.documents(bad_rows or BadRows(0)))


CSV = b'id,text,note\r\n1,"one, with ""quotes""\r\nand two lines",x\r\n\r\n2,two,\r\n'


def test_csv_is_read_with_quotes_line_ends_and_a_byte_order_mark(tmp_path: Path) -> None:
    for data in (CSV, b"\xef\xbb\xbf" + CSV, CSV.replace(b"\r\n", b"\n"), CSV.rstrip()):
        first, second = read(tmp_path, "a.csv", data, format="csv")
        assert first.split() == ["one,", "with", '"quotes"', "and", "two", "lines"]
        assert second == "two"
    assert read(tmp_path, "a.csv.gz", gzip.compress(CSV), format="csv", textField="id") == [
        "1",
        "2",
    ]
    assert read(tmp_path, "empty.csv", b"", format="csv") == []


@pytest.mark.parametrize(
    ("rows", "fault"),
    [
        (b"only one\n", "line 2: 1 fields, where the header has 2"),
        (b"1,2,3\n", "line 2: 3 fields, where the header has 2"),
        (b'1,"a"b\n', "line 2: no row of CSV: ',' expected after '\"'"),
        (b'1,"never\nclosed\n', r"line 2: no row of CSV: unexpected end of data \(up to line 3\)"),
        (b"1,caf\xe9\n", "line 2: field 'text' is not UTF-8: byte 0xe9 at offset 3"),
        (b"1,2\r3\n", "line 2: no row of CSV: new-line character seen in unquoted field"),
    ],
)
def test_faults_of_csv_rows_are_named_and_may_be_skipped(
    tmp_path: Path, rows: bytes, fault: str
) -> None:
    data = b"id,text\n" + rows
    with pytest.raises(UserError, match=rf"a\.csv: {fault}"):
        read(tmp_path, "a.csv", data, format="csv")
    good_after = b"" if b"never" in rows else b"9,good\n"
    skipped = BadRows(1)
    assert read(tmp_path, "a.csv", data + good_after, skipped, format="csv") == (
        ["good"] if good_after else []
    )
    assert skipped.count == 1


def test_bytes_of_another_charset_beside_the_text_do_no_harm(tmp_path: Path) -> None:
    assert read(tmp_path, "a.csv", b"name,text\ncaf\xe9,one\n", format="csv") == ["one"]


@pytest.mark.parametrize(
    ("header", "fault"),
    [
        (b"id,body\n1,x\n", "line 2: no field 'text'; the fields are: body, id; set textField"),
        (b"id;text\n1;x\n", "line 2: .*: a comma must separate the fields, not ';'"),
        (b"id;text\n1;x, y\n", "line 2: 2 fields, .*: a comma must separate the fields, not ';'"),
        (b"id\ttext\n1\tx\n", r"line 2: .*: a comma must separate the fields, not '\\t'"),
        (b"text,text\n1,x\n", "line 1: the header must name .*; two columns have the name 'text'"),
        (b"caf\xe9,text\n1,x\n", "line 1: the header must name the columns, .* not UTF-8"),
    ],
)
def test_a_csv_header_that_does_not_name_the_text_is_reported(
    tmp_path: Path, header: bytes, fault: str
) -> None:
    with pytest.raises(UserError, match=rf"a\.csv: {fault}"):
        read(tmp_path, "a.csv", header, format="csv")


def test_a_quote_that_is_never_closed_does_not_swallow_the_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(csv_file, "MAX_DOCUMENT_BYTES", 100)
    data = b'id,text\n1,"open\n' + b"2,lost\n" * 20 + b"3,good\n"
    skipped = BadRows(1)
    assert read(tmp_path, "a.csv", data, skipped, format="csv")[-1] == "good"
    assert "line 2: the row has more than 100 bytes" in skipped.examples[0]


def test_a_template_joins_fields_of_every_format(tmp_path: Path) -> None:
    template = "{title}: {{{meta.name}}}\n\n{text}{title}"
    rows = [{"title": "T", "meta": {"name": "n"}, "text": "one", "other": 1}]
    pq.write_table(pa.Table.from_pylist(rows), tmp_path / "made")
    files = {
        "jsonl": b'{"title": "T", "meta": {"name": "n"}, "text": "one"}\n',
        "parquet": (tmp_path / "made").read_bytes(),
        "csv": b"title,meta.name,text\nT,n,one\n",
    }
    for kind, data in files.items():
        found = read(tmp_path, f"a.{kind}", data, format=kind, template=template)
        assert found == ["T: {n}\n\noneT"]


@pytest.mark.parametrize("kind", ["jsonl", "parquet"])
def test_a_field_that_a_template_misses_is_named(tmp_path: Path, kind: str) -> None:
    pq.write_table(pa.table({"text": ["one"], "meta": [1]}), tmp_path / "made")
    data = b'{"text": "one", "meta": 1}' if kind == "jsonl" else (tmp_path / "made").read_bytes()
    for template, fault in (
        ("{title} {text}", "no field 'title'; the fields are: meta, text; name one of them in te"),
        ("{meta} {text}", "field 'meta' must be a string; found 1"),
    ):
        with pytest.raises(UserError, match=fault):
            read(tmp_path, f"a.{kind}", data, format=kind, template=template)


@pytest.mark.parametrize("template", ["no field", "{}", "{text", "text}", "{a{b}}", "{{text}}"])
def test_a_template_without_a_field_or_with_a_single_brace_is_refused(template: str) -> None:
    with pytest.raises(ValidationError, match="a text with names of fields in braces"):
        Files.model_validate({"paths": ["a"], "format": "jsonl", "template": template})


@pytest.mark.parametrize("kind", ["text", "html", "warc", "wet"])
def test_formats_without_fields_take_no_template(kind: str) -> None:
    with pytest.raises(ValidationError, match="have no fields"):
        Files.model_validate({"paths": ["a"], "format": kind, "template": "{text}"})


def test_a_template_takes_no_text_field_beside_it() -> None:
    with pytest.raises(ValidationError, match="template names the fields"):
        Files.model_validate({"paths": ["a"], "format": "csv", "template": "{a}", "textField": "b"})


def record(kind: str, content: bytes, length: int | None = None) -> bytes:
    """A record of a WARC file."""
    head = f"WARC/1.0\r\nWARC-Type: {kind}\r\nWARC-Target-URI: http://a/\r\n"
    if kind == "response":
        head += "Content-Type: application/http; msgtype=response\r\n"
    head += f"Content-Length: {len(content) if length is None else length}\r\n\r\n"
    return head.encode() + content + b"\r\n\r\n"


def answer(body: bytes, status: int = 200, kind: str = "text/html", headers: str = "") -> bytes:
    """A record with the answer of a web server."""
    head = f"HTTP/1.1 {status} Word\r\nContent-Type: {kind}\r\n{headers}\r\n"
    return record("response", head.encode() + body)


PAGE = "<html><p>Žluťoučký kůň".encode()
GOOD = [
    record("warcinfo", b"software: x\r\n"),
    record("request", b"GET / HTTP/1.1\r\n\r\n"),
    answer(PAGE),
    answer("<p>日本".encode("shift_jis"), kind="text/html; charset=Shift_JIS"),
    answer("<meta charset=iso-8859-2><p>kůň".encode("iso-8859-2")),
    answer(gzip.compress(PAGE), headers="Content-Encoding: gzip\r\n"),
    answer(b"4\r\n<p>a\r\n1\r\nb\r\n0\r\n\r\n", headers="Transfer-Encoding: chunked\r\n"),
    record("metadata", b"fetchTimeMs: 3\r\n"),
]
OTHERS = [
    answer(PAGE, status=404),
    answer(b"\x89PNG", kind="image/png"),
    answer(PAGE, kind=""),
    record("response", b"no HTTP at all"),
    answer(b"zz\r\nx", headers="Transfer-Encoding: chunked\r\n"),
    answer(b"x", headers="Content-Encoding: br\r\n"),
    record("response", b""),
]


def packed(records: Sequence[bytes], suffix: str) -> bytes:
    """A file of records, each compressed on its own as the standard asks for."""
    pack = {"": bytes, ".gz": gzip.compress, ".zst": zstandard.compress}[suffix]
    return b"".join(map(pack, records))


@pytest.mark.parametrize("suffix", ["", ".gz", ".zst"])
def test_the_pages_of_warc_files_are_read_in_their_charsets(tmp_path: Path, suffix: str) -> None:
    texts = read(tmp_path, f"a.warc{suffix}", packed(GOOD, suffix), format="warc")
    page = PAGE.decode()
    assert texts == [page, "<p>日本", "<meta charset=iso-8859-2><p>kůň", page, "<p>ab"]


def test_answers_that_are_no_pages_are_counted_by_their_kind(tmp_path: Path) -> None:
    counted = BadRows(0)
    found = read(tmp_path, "a.warc", packed([*OTHERS, *GOOD], ""), counted, format="warc")
    assert len(found) == 5
    assert {rule: each.count for rule, each in counted.skipped.items()} == {
        "status": 1,
        "notHtml": 2,
        "brokenHttp": 4,
    }
    assert counted.skipped["status"].example.endswith("a.warc: record 1: status 404")


@pytest.mark.parametrize("suffix", ["", ".gz", ".zst"])
def test_a_warc_file_that_is_torn_anywhere_ends_with_a_count(tmp_path: Path, suffix: str) -> None:
    data = packed(GOOD, suffix)
    starts = {sum(len(packed([each], suffix)) for each in GOOD[:n]) for n in range(len(GOOD))}
    last = 0
    for size in range(len(packed(GOOD[:1], suffix)) + 1, len(data), 7):
        counted = BadRows(0)
        found = read(tmp_path, f"a.warc{suffix}", data[:size], counted, format="warc")
        assert len(found) >= last
        last = len(found)
        is_whole = size in starts or data[:size].endswith(b"\r\n\r\n")
        assert is_whole or "cutOff" in counted.skipped, size
    assert last == 5


def test_a_warc_file_that_is_broken_within_loses_what_follows_and_says_so(tmp_path: Path) -> None:
    data = bytearray(packed(GOOD, ".gz"))
    data[len(packed(GOOD[:3], ".gz")) + 40] ^= 0xFF
    for name, content in (
        ("a.warc.gz", bytes(data)),
        ("b.warc", GOOD[2] + b"junk " * 50 + GOOD[2]),
    ):
        counted = BadRows(0)
        assert read(tmp_path, name, content, counted, format="warc") == [PAGE.decode()]
        assert list(counted.skipped) == ["cutOff"]


def test_texts_of_wet_files_are_plain_text(tmp_path: Path) -> None:
    texts = [b"<p>This is no markup", "zwölf\n".encode()]
    records = [GOOD[0], *(record("conversion", text) for text in texts)]
    found = read(tmp_path, "a.wet.gz", packed(records, ".gz"), format="wet")
    assert found == [text.decode() for text in texts]
    broken = packed([*records, record("conversion", b"caf\xe9")], "")
    with pytest.raises(UserError, match=r"a\.wet: record 4: not UTF-8: byte 0xe9 at offset 3"):
        read(tmp_path, "a.wet", broken, format="wet")


@pytest.mark.parametrize(
    ("kind", "data", "fault"),
    [
        ("warc", record("conversion", b"x"), "texts of a WET file; set format: wet"),
        ("wet", GOOD[2], "pages of a WARC file; set format: warc"),
        ("warc", b"no WARC file\n" * 9, r"a: no WARC file: "),
        ("warc", gzip.compress(GOOD[2]), r"a: no WARC file: "),
    ],
)
def test_a_file_of_another_format_is_named(
    tmp_path: Path, kind: str, data: bytes, fault: str
) -> None:
    with pytest.raises(UserError, match=fault):
        read(tmp_path, "a", data, format=kind)


def test_records_and_pages_that_are_too_large_are_counted(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(warc, "MAX_DOCUMENT_BYTES", 1000)
    bomb = answer(gzip.compress(b"<p>" + bytes(2000)), headers="Content-Encoding: gzip\r\n")
    counted = BadRows(0)
    data = packed([answer(b"<p>" + b"x" * 2000), bomb, GOOD[2]], "")
    assert read(tmp_path, "a.warc", data, counted, format="warc") == [PAGE.decode()]
    assert counted.skipped["tooLarge"].count == 2


@given(seed=st.integers(0, 2**32), suffix=st.sampled_from(["", ".gz"]))
def test_no_damage_to_a_warc_file_ends_otherwise_than_with_a_count_or_an_error(
    tmp_path_factory: pytest.TempPathFactory, seed: int, suffix: str
) -> None:
    chance = random.Random(seed)  # noqa: S311 - of damage
    data = bytearray(packed([*GOOD, *OTHERS], suffix))
    for _ in range(chance.randint(1, 8)):
        data[chance.randrange(len(data))] = chance.randrange(256)
    with suppress(UserError):
        read(tmp_path_factory.mktemp("damaged"), f"a.warc{suffix}", bytes(data), format="warc")


def test_a_torn_archive_is_told_in_the_report_and_its_pages_lose_their_markup(
    tmp_path: Path,
) -> None:
    page = b"<html><body><main><p>" + b"A page with words of its own. " * 9 + b"</main>"
    (tmp_path / "inputs").mkdir()
    data = packed([answer(page), OTHERS[0], answer(b"<p>lost")], ".gz")
    (tmp_path / "inputs" / "a.warc.gz").write_bytes(data[:-20])
    sources = [{"files": {"paths": ["a.warc.gz"], "format": "warc"}}]
    context = stage_context("data", tmp_path, data={"sources": sources, "steps": [{"unicode": {}}]})
    DATA_STAGE.work(context)
    (text,) = documents_of(context.workspace, "train")
    assert text.startswith("A page with words")
    data_report = DataReport.model_validate_json(context.workspace.data_report.read_bytes())
    skipped = data_report.by_source[0].skipped
    assert {rule: each.count for rule, each in skipped.items()} == {"status": 1, "cutOff": 1}
    assert "a.warc.gz: record 3: Compressed file ended" in skipped["cutOff"].example


@given(st.lists(st.sampled_from("abc"), max_size=20))
def test_the_sum_of_many_counts_is_theirs_in_order(origins: list[str]) -> None:
    tallies = [
        Tally(read={origin: Size(documents=1)}, num_bad_rows=1, bad_rows=(f"{origin} {number}",))
        for number, origin in enumerate(origins)
    ]
    expected = Tally()
    for tally in tallies:
        expected += tally
    assert total(tallies) == expected
    assert list(total(tallies).read) == list(expected.read)


def test_a_report_names_a_bounded_number_of_files(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(report, "MAX_ORIGINS", 3)
    tallies = [Tally(read={f"{n}.txt": Size(documents=1, bytes=n)}) for n in range(9)]
    read = total(tallies).read
    assert list(read) == ["0.txt", "1.txt", "2.txt", report.OTHERS]
    assert sum(read.values(), Size()) == Size(documents=9, bytes=sum(range(9)))


def test_a_line_that_is_too_long_is_a_bad_row_in_parts_too(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reading, "MAX_DOCUMENT_BYTES", 100)
    monkeypatch.setattr(reading, "_SKIPPED_BYTES", 7)
    long = b'{"text": "' + b"x" * 300 + b'"}\n'
    data = b'{"text": "one"}\n' + long + b'{"text": "two"}\n'
    with pytest.raises(
        UserError, match=r"line 2: a document may have 100 bytes, and here are more"
    ):
        read(tmp_path, "a.jsonl", data, format="jsonl")
    skipped = BadRows(1)
    assert read(tmp_path, "a.jsonl", data, skipped, format="jsonl") == ["one", "two"]
    path = tmp_path / "inputs" / "a.jsonl"
    whole = [line for _, line in filled_lines(path)]
    for cut in range(1, len(data)):
        parts = range(cut), range(cut, len(data))
        assert [line for part in parts for _, line in filled_lines(path, part)] == whole
