"""Hostile inputs that are packed: gzip and zstd, parquet, web archives."""

import gzip
import io
import zlib
from collections.abc import Iterator
from typing import Any

from support.hostile_texts import GOOD, Hostile, file

GIGABYTE = 10**9


def zip_bomb(num_bytes: int, start: bytes = b"") -> bytes:
    """A gzip file that unpacks to many equal bytes."""
    piece = 10**7
    return gzip.compress(start, mtime=0) + gzip.compress(b"a" * piece, mtime=0) * (
        num_bytes // piece
    )


def zstd_bomb(num_bytes: int, start: bytes = b"") -> bytes:
    """A zstd file that unpacks to many equal bytes."""
    import zstandard

    piece = 10**7
    return zstandard.compress(start) + zstandard.compress(b"a" * piece) * (num_bytes // piece)


def packed() -> Iterator[Hostile]:
    """Compressed files."""
    import zstandard

    gz, zst = gzip.compress(GOOD, mtime=0), zstandard.compress(GOOD)
    checked = zstandard.ZstdCompressor(write_checksum=True).compress(GOOD * 9)
    lines = {"format": "jsonl", "maxBadRows": 100}
    broken = "broken compressed data"
    files: dict[str, tuple[bytes, str, int]] = {
        "empty.gz": (b"", "", 0),
        "empty.zst": (b"", "", 0),
        "magic-alone.gz": (gz[:2], broken, 0),
        "magic-alone.zst": (zst[:4], broken, 0),
        "header-alone.gz": (gz[:10], broken, 0),
        "cut.gz": (gz[:-9], broken, 0),
        "cut.zst": (zst[:-3], broken, 0),
        "checksum-wrong.gz": (gz[:-8] + b"\0\0\0\0" + gz[-4:], broken, 0),
        "checksum-wrong.zst": (checked[:-4] + b"\0\0\0\0", broken, 0),
        "length-wrong.gz": (gz[:-4] + b"\xff\xff\xff\x7f", broken, 0),
        "damaged.gz": (gz[:20] + b"\xff\xff" + gz[22:], broken, 0),
        "damaged.zst": (checked[:12] + b"\xff\xff\xff" + checked[15:], broken, 0),
        "method-unknown.gz": (gz[:2] + b"\x07" + gz[3:], broken, 0),
        "plain.gz": (GOOD, broken, 0),
        "plain.zst": (GOOD, broken, 0),
        "gzip.zst": (gz, broken, 0),
        "zstd.gz": (zst, broken, 0),
        "zlib.gz": (zlib.compress(GOOD), broken, 0),
        "junk-behind.gz": (gz + b"junk", broken, 0),
        "junk-behind.zst": (zst + b"junk", broken, 0),
        "zeros-behind.gz": (gz + bytes(999), "", 3),
        "members.gz": (gz * 100, "", 300),
        "frames.zst": (zst * 100, "", 300),
        "empty-members.gz": (gzip.compress(b"", mtime=0) * 5000 + gz, "", 3),
        "empty-frames.zst": (zstandard.compress(b"") * 5000 + zst, "", 3),
        "twice.gz": (gzip.compress(gz, mtime=0), "not UTF-8", 0),
        "window.zst": (bytes.fromhex("28b52ffd 00 b0") + bytes(20), broken, 0),
        "dictionary.zst": (bytes.fromhex("28b52ffd 21 2a 00"), broken, 0),
        "skippable.zst": (bytes.fromhex("502a4d18 ffffff7f"), broken, 0),
    }
    for name, (data, error, documents) in files.items():
        settings = lines | ({"maxBadRows": 0} if error else {})
        path = name.replace(".", ".jsonl.", 1)
        yield Hostile(path, file(data), settings, error, documents)
    for suffix, bomb, size in ((".gz", zip_bomb, GIGABYTE // 4), (".zst", zstd_bomb, GIGABYTE)):
        line = lambda bomb=bomb, size=size: bomb(size, b'{"text": "')  # noqa: E731
        lost = lambda bomb=bomb, size=size: bomb(size)  # noqa: E731
        yield Hostile(f"bomb.jsonl{suffix}", file(line), lines, bad_rows=1)
        yield Hostile(f"bomb.txt{suffix}", file(lost), {"format": "text"}, "67,108,864 bytes")
        yield Hostile(f"bomb.html{suffix}", file(lost), {"format": "html"}, "67,108,864 bytes")
        head = lambda bomb=bomb: bomb(10**8, b"id,text\n1,")  # noqa: E731
        yield Hostile(
            f"bomb.csv{suffix}", file(head), {"format": "csv", "maxBadRows": 1}, bad_rows=1
        )


def _parquet(array: Any, name: str = "text", **options: Any) -> bytes:
    import pyarrow as pa
    import pyarrow.parquet as pq

    target = io.BytesIO()
    pq.write_table(pa.table({name: array}), target, compression="zstd", **options)
    return target.getvalue()


def parquet_files() -> Iterator[Hostile]:
    """Files of parquet."""
    import pyarrow as pa

    texts = ["one", "zwölf", ""]
    raw = [b"one", b"caf\xe9", b""]
    dictionary = pa.DictionaryArray.from_arrays([0, 1, 0], texts[:2])
    arrays: dict[str, tuple[Any, int, int]] = {
        "string": (pa.array(texts), 3, 0),
        "large-string": (pa.array(texts, pa.large_string()), 3, 0),
        "string-view": (pa.array(texts, pa.string_view()), 3, 0),
        "binary": (pa.array(raw), 2, 1),
        "large-binary": (pa.array(raw, pa.large_binary()), 2, 1),
        "binary-view": (pa.array(raw, pa.binary_view()), 2, 1),
        "fixed-binary": (pa.array([b"abc", b"\xff\xff\xff"], pa.binary(3)), 1, 1),
        "dictionary": (dictionary, 3, 0),
        "large-dictionary": (dictionary.cast(pa.dictionary(pa.int64(), pa.large_string())), 3, 0),
        "nulls": (pa.array([None, "a", None]), 1, 2),
        "null-type": (pa.nulls(2), 0, 2),
        "integers": (pa.array([1, 2]), 0, 2),
        "floats": (pa.array([float("nan")]), 0, 1),
        "truth": (pa.array([True]), 0, 1),
        "lists": (pa.array([["a"]]), 0, 1),
        "structs": (pa.array([{"text": "a"}]), 0, 1),
        "maps": (pa.array([[("a", "b")]], pa.map_(pa.string(), pa.string())), 0, 1),
        "times": (pa.array([0], pa.timestamp("us")), 0, 1),
        "decimals": (pa.array([1], pa.decimal128(5)), 0, 1),
        "no-rows": (pa.array([], pa.string()), 0, 0),
    }
    settings = {"format": "parquet", "maxBadRows": 100}
    for name, (array, documents, bad_rows) in arrays.items():
        make = file(lambda array=array: _parquet(array))
        yield Hostile(f"{name}.parquet", make, settings, "", documents, bad_rows)
    good = _parquet(pa.array(texts * 500))
    footer = int.from_bytes(good[-8:-4], "little")
    broken = {
        "empty": b"",
        "magic-alone": b"PAR1",
        "magic-twice": b"PAR1PAR1",
        "encrypted": b"PARE" + good[4:-4] + b"PARE",
        "cut-at-the-end": good[:-1],
        "cut-in-the-footer": good[: -footer // 2],
        "cut-in-the-middle": good[: len(good) // 2],
        "no-start": good[len(good) // 3 :],
        "footer-too-long": good[:-8] + b"\xff\xff\xff\x7fPAR1",
        "footer-negative": good[:-8] + b"\xff\xff\xff\xffPAR1",
        "footer-zeros": good[: -8 - footer] + bytes(footer) + good[-8:],
        "data-zeros": good[:4] + bytes(len(good) - footer - 12) + good[-8 - footer :],
        "lines": GOOD,
        "page": b"<html>not found</html>",
    }
    for name, data in broken.items():
        yield Hostile(f"{name}.parquet", file(data), settings, "no readable parquet file")
    no_columns = file(lambda: _parquet(pa.array(["a"]), "body"))
    yield Hostile("no-such-column.parquet", no_columns, settings, "", 0, 1)
    one = file(lambda: _parquet(pa.array(["a" * 100_000_000])))
    yield Hostile("one-value.parquet", one, settings, "a document may have")
    dense = file(lambda: _parquet(pa.array(["a"] * 9000 + ["a" * 300_000_000])))
    yield Hostile("dense.parquet", dense, settings, "as those of no text do")
    index = pa.array([0] * 1000, pa.int32())
    repeated = pa.DictionaryArray.from_arrays(index, pa.array([b"\xff" * 2_000_000]))
    bomb = file(lambda: _parquet(repeated, dictionary_pagesize_limit=10**8))
    many = {"format": "parquet", "maxBadRows": 1000}
    yield Hostile("dictionary-bomb.parquet", bomb, many, bad_rows=1000)


def _record(kind: str, content: bytes, length: int | None = None) -> bytes:
    head = f"WARC/1.0\r\nWARC-Type: {kind}\r\nContent-Type: application/http; msgtype=response\r\n"
    size = len(content) if length is None else length
    return head.encode() + b"Content-Length: %d\r\n\r\n" % size + content + b"\r\n\r\n"


def _answer(body: bytes, headers: bytes = b"", kind: bytes = b"text/html") -> bytes:
    head = b"HTTP/1.1 200 OK\r\nContent-Type: " + kind + b"\r\n" + headers + b"\r\n"
    return _record("response", head + body)


def archives() -> Iterator[Hostile]:
    """Web archives."""
    page = _answer(b"<p>a page of words")
    packed = gzip.compress(page, mtime=0)
    bomb = gzip.compress(bytes(3 * 10**8), mtime=0)
    gzipped = b"Content-Encoding: gzip\r\n"
    chunked = b"Transfer-Encoding: chunked\r\n"
    files: dict[str, tuple[bytes, int, dict[str, int]]] = {
        "cut.warc": (page + page[:-30], 1, {"cutOff": 1}),
        "cut-in-the-header.warc": (page + page[:50], 1, {"cutOff": 1}),
        "cut.warc.gz": (packed + packed[:-9], 2, {"cutOff": 1}),
        "checksum.warc.gz": (packed * 2 + packed[:-8] + bytes(8), 2, {"cutOff": 1}),
        "junk-behind.warc.gz": (packed + b"junk", 0, {"cutOff": 1}),
        "junk-behind.warc": (page + b"junk\r\n\r\n", 1, {"cutOff": 1}),
        "zeros-behind.warc": (page + bytes(100), 1, {"cutOff": 1}),
        "length-too-long.warc": (page + _record("response", b"x", 10**6), 1, {"cutOff": 1}),
        "length-absurd.warc": (page + _record("response", b"x", 10**18), 1, {"tooLarge": 1}),
        "length-negative.warc": (
            page + _record("response", b"x", -5),
            1,
            {"brokenHttp": 1, "cutOff": 1},
        ),
        "length-too-short.warc": (
            page + page.replace(b"Length: ", b"Length: 1\r\nX: "),
            1,
            {"brokenHttp": 1, "cutOff": 1},
        ),
        "no-http.warc": (_record("response", b"\xff\xfe") + page, 1, {"brokenHttp": 1}),
        "no-content.warc": (_record("response", b"") + page, 1, {"brokenHttp": 1}),
        "http-header-long.warc": (
            _answer(b"a", b"x: " + b"y" * 10**6 + b"\r\n") + page,
            1,
            {"brokenHttp": 1},
        ),
        "http-headers-many.warc": (
            _answer(b"a", b"x: y\r\n" * 10**5) + page,
            1,
            {"brokenHttp": 1},
        ),
        "bomb.warc": (_answer(bomb, gzipped) + page, 1, {"tooLarge": 1}),
        "chunk-absurd.warc": (_answer(b"ffffffffffff\r\na", chunked) + page, 1, {"brokenHttp": 1}),
        "chunk-negative.warc": (_answer(b"-5\r\na", chunked) + page, 1, {"brokenHttp": 1}),
        "charset-unknown.warc": (
            _answer(b"<p>a", kind=b"text/html; charset=klingon"),
            1,
            {},
        ),
        "nul.warc": (_answer(b"<p>" + bytes(99)), 1, {}),
    }
    for name, (data, documents, skipped) in files.items():
        yield Hostile(name, file(data), {"format": "warc"}, "", documents, 0, skipped)
    broken = {
        "lines.warc": GOOD,
        "zeros.warc": bytes(99),
        "empty.warc": b"",
        "version-unknown.warc": page.replace(b"WARC/1.0", b"WARC/9.9"),
    }
    for name, data in broken.items():
        yield Hostile(name, file(data), {"format": "warc"}, "no WARC file")
    yield Hostile("text.wet", file(_record("conversion", b"\xff")), {"format": "wet"}, "not UTF-8")
