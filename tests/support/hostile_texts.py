"""Hostile inputs that are text: JSON lines, pages, CSV."""

import gzip
import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any


@dataclass(frozen=True)
class Hostile:
    """An input.

    Attributes:
        name: name of the file, or the pattern that is to be read.
        make: makes the file, or whatever it is.
        settings: fields of the manifest's `files`, `format` among them.
        error: part of the error that it ends with; empty where it ends with none.
        documents: number of documents that are read.
        bad_rows: number of bad rows that are counted.
        skipped: what else is counted.
    """

    name: str
    make: Callable[[Path], object]
    settings: dict[str, Any]
    error: str = ""
    documents: int = 0
    bad_rows: int = 0
    skipped: dict[str, int] = field(default_factory=dict)


def file(data: bytes | Callable[[], bytes]) -> Callable[[Path], object]:
    """A function that makes a file with this content."""
    return lambda path: path.write_bytes(data() if callable(data) else data)


def row(text: object) -> bytes:
    """A line of JSON."""
    return json.dumps({"text": text}).encode() + b"\n"


GOOD = row("A good text") * 3

_JSON_LINES: dict[str, tuple[bytes, int, int]] = {
    # name: a file of JSON lines, its documents and its bad rows
    "empty": (b"", 0, 0),
    "line-ends-alone": (b"\n\r\n\n", 0, 0),
    "mark-alone": (b"\xef\xbb\xbf", 0, 0),
    "mark-before-each-line": (b"\xef\xbb\xbf" + row("a") + b"\xef\xbb\xbf" + row("b"), 2, 0),
    "crlf": (GOOD.replace(b"\n", b"\r\n"), 3, 0),
    "cr-alone": (GOOD.replace(b"\n", b"\r"), 0, 1),
    "no-end": (GOOD[:-1], 3, 0),
    "nul-in-a-line": (b'{"text": "a\x00b"}\n' + GOOD, 3, 1),
    "nul-escaped": (b'{"text": "a\\u0000b"}\n' + GOOD, 4, 0),
    "nul-lines": (b"\x00\x00\n" + GOOD, 3, 1),
    "nul-file": (bytes(5000), 0, 1),
    "half-pair-high": (b'{"text": "a\\ud83d"}\n', 1, 0),
    "half-pair-low": (b'{"text": "\\ude00a"}\n', 1, 0),
    "half-pairs-swapped": (b'{"text": "\\ude00\\ud83d"}\n', 1, 0),
    "half-pair-in-the-key": (b'{"text\\ud800": "a"}\n', 0, 1),
    "surrogate-as-utf8": (b'{"text": "\xed\xa0\x80"}\n' + GOOD, 3, 1),
    "overlong-utf8": (b'{"text": "\xc0\xaf"}\n' + GOOD, 3, 1),
    "cut-utf8": (b'{"text": "\xe2\x82"}\n' + GOOD, 3, 1),
    "five-byte-utf8": (b'{"text": "\xf8\x88\x80\x80\x80"}\n' + GOOD, 3, 1),
    "latin-1": ('{"text": "café"}\n'.encode("latin-1") + GOOD, 3, 1),
    "utf-16": (GOOD.decode().encode("utf-16"), 0, 4),
    "utf-16-be": (GOOD.decode().encode("utf-16-be"), 0, 3),
    "utf-32": (GOOD.decode().encode("utf-32"), 0, 4),
    "utf-7": (b'{"text": "+AOk-"}\n', 1, 0),
    "deep-lists": (b"[" * 10**5 + b"\n" + GOOD, 3, 1),
    "deep-lists-closed": (
        b'{"text": "a", "x": ' + b"[" * 10**5 + b"]" * 10**5 + b"}\n" + GOOD,
        3,
        1,
    ),
    "deep-objects": (b'{"text":' * 10**5 + b"\n" + GOOD, 3, 1),
    "deep-but-parsable": (b'{"text": "a", "x": ' + b"[" * 90 + b"]" * 90 + b"}\n", 1, 0),
    "number-too-long": (b'{"text": "a", "n": ' + b"9" * 10**5 + b"}\n" + GOOD, 3, 1),
    "number-infinite": (b'{"text": "a", "n": 1e999}\n', 1, 0),
    "number-nan": (b'{"text": "a", "n": NaN}\n', 1, 0),
    "text-is-a-number": (row(7) + GOOD, 3, 1),
    "text-is-null": (row(None) + GOOD, 3, 1),
    "text-is-a-list": (row(["a"]) + GOOD, 3, 1),
    "text-is-an-object": (row({"text": "a"}) + GOOD, 3, 1),
    "text-is-true": (row(True) + GOOD, 3, 1),  # noqa: FBT003 - a value of JSON
    "no-text": (b'{"body": "a"}\n' + GOOD, 3, 1),
    "no-object": (b'"text"\n7\nnull\n[]\n' + GOOD, 3, 4),
    "key-twice": (b'{"text": 7, "text": "a"}\n', 1, 0),
    "two-objects-in-a-line": (b'{"text": "a"}{"text": "b"}\n' + GOOD, 3, 1),
    "an-object-over-lines": (b'{\n"text": "a"\n}\n' + GOOD, 3, 3),
    "array-of-objects": (b'[{"text": "a"}]\n' + GOOD, 3, 1),
    "single-quotes": (b"{'text': 'a'}\n" + GOOD, 3, 1),
    "comma-too-many": (b'{"text": "a",}\n' + GOOD, 3, 1),
    "comment": (b'// note\n{"text": "a"} // note\n' + GOOD, 3, 2),
    "tab-in-a-string": (b'{"text": "a\tb"}\n' + GOOD, 3, 1),
    "cut-in-a-string": (GOOD + b'{"text": "a', 3, 1),
    "cut-in-an-escape": (GOOD + b'{"text": "\\u00', 3, 1),
    "escape-unknown": (b'{"text": "\\x41"}\n' + GOOD, 3, 1),
    "many-fields": (
        json.dumps({"text": "a", **dict.fromkeys(map(str, range(20000)), 1)}).encode(),
        1,
        0,
    ),
    "long-key": (json.dumps({"text": "a", "k" * 10**6: 1}).encode(), 1, 0),
    "line-separators": ('{"text": "a\u2028b\u0085c"}\n'.encode(), 1, 0),
    "direction-marks": ('{"text": "a\u202eb\u2066c"}\n'.encode(), 1, 0),
    "zero-width": ('{"text": "\u200b\u200d\ufeff"}\n'.encode(), 1, 0),
    "combining": (row("a" + "\u0301" * 10**4), 1, 0),
    "not-a-character": (row("\uffff\U0010ffff\ufdd0"), 1, 0),
    "white-space-alone": (row("   ") + row("\u3000\n"), 2, 0),
    "empty-text": (row(""), 1, 0),
    "ansi": (row("\x1b]0;title\x07\x1b[2J"), 1, 0),
    "one-word-of-a-megabyte": (row("a" * 10**6), 1, 0),
    "a-million-words": (row("a " * 10**6), 1, 0),
    "html": (row("<html>" + "<div>" * 5000 + "a"), 1, 0),
    "html-attributes": (row("<html><a " + "x " * 50000 + ">"), 1, 0),
    "binary": (bytes(range(256)) * 20, 0, 21),
    "elf": (b"\x7fELF\x02\x01\x01" + bytes(100), 0, 1),
    "pdf": (b"%PDF-1.7\n%\xe2\xe3\xcf\xd3\n", 0, 2),
    "sqlite": (b"SQLite format 3\x00" + bytes(84), 0, 1),
    "pickle": (b"cos\nsystem\n(S'echo'\ntR.", 0, 4),
    "a-pointer-of-git-lfs": (
        b"version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 1\n",
        0,
        3,
    ),
    "an-error-page": (b"<!DOCTYPE html>\n<title>404 Not Found</title>\n", 0, 2),
}


def json_lines() -> Iterator[Hostile]:
    """Files of JSON lines."""
    for name, (data, documents, bad_rows) in _JSON_LINES.items():
        settings = {"format": "jsonl", "maxBadRows": 100}
        yield Hostile(f"{name}.jsonl", file(data), settings, "", documents, bad_rows)


def texts() -> Iterator[Hostile]:
    """Texts and pages."""
    text, html = {"format": "text"}, {"format": "html"}
    files: dict[str, tuple[bytes, dict[str, str], str]] = {
        "empty.txt": (b"", text, ""),
        "nul.txt": (bytes(9), text, ""),
        "crlf.txt": (b"a\r\nb\rc\n", text, ""),
        "latin-1.txt": (b"caf\xe9", text, "not UTF-8"),
        "utf-16.txt": ("\ufeffa".encode("utf-16-le"), text, "this is UTF-16"),
        "surrogate.txt": (b"\xed\xa0\x80", text, "not UTF-8"),
        "gzip.txt": (gzip.compress(b"a"), text, "let the file's name end with .gz"),
        "zip.txt": (b"PK\x03\x04\xff", text, "this is a zip archive"),
        "empty.html": (b"", html, ""),
        "nul.html": (b"<p>a\x00b", html, ""),
        "deep.html": (b"<div>" * 10**5, html, ""),
        "formatting.html": (b"<b><p>" * 10**4, html, ""),
        "attributes.html": (b"<a " + b"x " * 10**5 + b">", html, ""),
        "never-closed.html": (b"<p" * 10**5, html, ""),
        "comment.html": (b"<!--" * 10**5, html, ""),
        "script.html": (b"<script>" + b"a" * 10**5, html, ""),
        "entities.html": (b"&amp;" * 10**5 + b"&#99999999;&#xD800;", html, ""),
        "xml-entities.html": (
            b'<!DOCTYPE x [<!ENTITY a "aa"><!ENTITY b "&a;&a;">]><p>&b;',
            html,
            "",
        ),
        "charset-lies.html": (b"<meta charset=utf-8><p>\xe9", html, "not utf-8"),
        "charset-unknown.html": (b"<meta charset=klingon><p>a", html, ""),
        "charset-utf-7.html": (b"<meta charset=utf-7><p>+AGE-", html, ""),
        "charset-hex.html": (b"<meta charset=hex_codec><p>61", html, ""),
        "utf-16-cut.html": (b"\xff\xfea", html, "not utf-16-le"),
    }
    for name, (data, settings, error) in files.items():
        yield Hostile(name, file(data), settings, error, 0 if error else 1)


def csv() -> Iterator[Hostile]:
    """Files of CSV."""
    rows = b"3,good\n"
    files: dict[str, tuple[bytes, int, int, str]] = {
        "empty": (b"", 0, 0, ""),
        "header-alone": (b"id,text", 0, 0, ""),
        "header-twice": (b"text,text\n", 0, 0, "two columns have the name 'text'"),
        "header-of-another-charset": (b"caf\xe9,text\n" + rows, 0, 0, "the header must name"),
        "header-in-quotes-cut": (b'"id,text\n', 0, 0, "the header must name"),
        "header-of-a-million": (b",".join(b"%d" % n for n in range(10**5)) + b"\n", 0, 0, ""),
        "mark": (b"\xef\xbb\xbfid,text\n" + rows, 1, 0, ""),
        "crlf": (b"id,text\r\n3,good\r\n", 1, 0, ""),
        "cr-alone": (b"id,text\r3,good\r", 0, 0, "the header must name"),
        "too-few": (b"id,text\n1\n" + rows, 1, 1, ""),
        "too-many": (b"id,text\n1,2,3\n" + rows, 1, 1, ""),
        "quote-never-closed": (b'id,text\n1,"a\n' + rows, 0, 1, ""),
        "quote-within": (b'id,text\n1,"a"b\n' + rows, 1, 1, ""),
        "quote-unquoted": (b'id,text\n1,a"b\n' + rows, 2, 0, ""),
        "nul": (b"id,text\n1,a\x00b\n" + rows, 2, 0, ""),
        "latin-1": (b"id,text\n1,caf\xe9\n" + rows, 1, 1, ""),
        "semicolons": (b"id;text\n1;a\n", 0, 1, ""),
        "tabs": (b"id\ttext\n1\ta\n", 0, 1, ""),
        "commas-alone": (b"id,text\n" + b"," * 10**5 + b"\n" + rows, 1, 1, ""),
        "formula": (b'id,text\n1,"=HYPERLINK(""x"")"\n', 1, 0, ""),
    }
    for name, (data, documents, bad_rows, error) in files.items():
        settings = {"format": "csv", "maxBadRows": 100}
        yield Hostile(f"{name}.csv", file(data), settings, error, documents, bad_rows)
