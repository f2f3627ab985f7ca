"""Reads the pages of WARC files and the texts of WET files."""

import io
from collections.abc import Iterator
from io import BufferedReader
from typing import TYPE_CHECKING

from llmtrain_trainer.data.readers.reading import (
    MAX_DOCUMENT_BYTES,
    Readable,
    decode_page,
    open_bytes,
    reading_errors,
)
from llmtrain_trainer.data.readers.rows import BadRows
from llmtrain_trainer.errors import UserError

if TYPE_CHECKING:
    from fastwarc.warc import WarcRecord

CUT_OFF = "cutOff"
"""A file that ends in the middle of a record; what may have followed is lost."""
_PAGES = frozenset({"text/html", "application/xhtml+xml"})
_OK = 200
_END_BYTES = 4
"""Length of the empty lines that end a record."""
_PAGE, _TEXT = "response", "conversion"
_OTHER_FORMAT = {_PAGE: "its records are pages of a WARC file; set format: warc"} | {
    _TEXT: "its records are texts of a WET file; set format: wet"
}


def read_pages(path: Readable, bad_rows: BadRows) -> Iterator[str]:
    """The HTML pages of a WARC file that a server sent with the status 200.

    Other answers are counted: `status`, `notHtml`, `brokenHttp`, `tooLarge`, and `cutOff` where the
    file ends in the middle of a record.

    Raises:
        UserError: the file is no WARC file, or cannot be read.
    """
    for place, content in _records(path, _PAGE, bad_rows):
        page = _page(content)
        if isinstance(page, _NoPage):
            bad_rows.skip(page.rule, f"{place}: {page.why}")
        else:
            yield page


def read_texts(path: Readable, bad_rows: BadRows) -> Iterator[str]:
    """The texts of a WET file; records that are too large or cut off are counted.

    Raises:
        UserError: the file is no WET file, or cannot be read, or has more bad rows than it may.
    """
    return bad_rows.usable(_records(path, _TEXT, bad_rows), _utf8)


def _utf8(content: bytes, place: str) -> str:
    try:
        return content.decode()
    except UnicodeDecodeError as error:
        raise UserError(
            f"{place}: not UTF-8: byte 0x{content[error.start]:02x} at offset {error.start}",
            reason="InvalidData",
        ) from error


def _records(path: Readable, wanted: str, bad_rows: BadRows) -> Iterator[tuple[str, bytes]]:
    """The contents of a file's records of one type, each with its place.

    A record comes once the next one was found, for only then its checksum in a compressed file has
    been compared.
    """
    before = None
    with open_bytes(path) as file:
        stream = _Stream(file)
        for content in _contents(path, stream, wanted, bad_rows):
            if before is not None:
                yield before
            before = content
        if before is not None and not stream.is_damaged:
            yield before
        if stream.fault:
            bad_rows.skip(CUT_OFF, stream.fault)


def _contents(
    path: Readable, stream: "_Stream", wanted: str, bad_rows: BadRows
) -> Iterator[tuple[str, bytes] | None]:
    """The same up to the first broken record; None stands for any other record."""
    from fastwarc.warc import ArchiveIterator

    number, fault = 0, ""
    try:
        records = ArchiveIterator(stream, parse_http=False, stream_detect=False)
        for number, record in enumerate(records, start=1):
            place = f"{path}: record {number}"
            content = _content(record, place, wanted, bad_rows)
            if content is not None and _is_cut(record, content):
                stream.fault = f"{place}: {stream.fault or 'the file ends within it'}"
                return
            yield None if content is None else (place, content)
    except OSError as error:
        fault = str(error)
    if not fault and not stream.end.endswith((b"\r\n\r\n", b"\n\n")):
        fault = "the file ends without an empty line" if number else "it has no record"
    fault = stream.fault or fault
    if fault and not number:
        raise UserError(f"{path}: no WARC file: {fault}", reason="InvalidData")
    stream.fault = fault and f"{path}: from record {number} on: {fault}"


def _content(record: "WarcRecord", place: str, wanted: str, bad_rows: BadRows) -> bytes | None:
    """The content of a record of a type; None for one of another type, and for one too large."""
    kind, length = record.headers.get("WARC-Type", ""), record.content_length
    if kind in _OTHER_FORMAT and kind != wanted:
        raise UserError(f"{place}: {_OTHER_FORMAT[kind]}", reason="InvalidData")
    if length > MAX_DOCUMENT_BYTES:
        if kind == wanted:
            bad_rows.skip("tooLarge", f"{place}: {length:,} bytes")
        return None
    content: bytes = record.reader.read(length) if length else b""
    return content if kind == wanted or _is_cut(record, content) else None


def _is_cut(record: "WarcRecord", content: bytes) -> bool:
    """Whether a record's content, or its header, is not whole."""
    return len(content) < record.content_length or "Content-Length" not in record.headers


class _Stream(io.RawIOBase):
    """An unpacked file for fastwarc, which ends where the file is broken.

    fastwarc itself ends a compressed file that is torn without a word, and loses what it has read
    before where a stream raises an error.

    Args:
        file: open for reading.
    """

    def __init__(self, file: BufferedReader) -> None:
        self._file = file
        self._position = 0
        self.fault = ""
        """What is wrong with the file where the stream ends."""
        self.is_damaged = False
        """Whether bytes there are wrong, and not only missing: the last record may have some."""
        self.end = b""
        """The last few bytes so far."""

    def read(self, size: int = -1) -> bytes:
        """Some of the next bytes; none at the end.

        Raises:
            StageError: object storage could not be reached, or the file has changed.
        """
        try:
            data = b"" if self.fault else self._file.read1(size)
        except reading_errors() as error:
            self.fault, data = str(error), b""
            self.is_damaged = not isinstance(error, EOFError)
        self._position += len(data)
        self.end = (self.end + data[-_END_BYTES:])[-_END_BYTES:]
        return data

    def tell(self) -> int:
        """The number of bytes so far."""
        return self._position


class _NoPage:
    """An answer of a server that holds no page."""

    def __init__(self, rule: str, why: str) -> None:
        self.rule, self.why = rule, why


def _page(answer: bytes) -> str | _NoPage:
    """The page in a server's answer, of which encodings for the way are taken off."""
    from fastwarc.warc import WarcRecord

    kind = (
        b"WARC/1.0\r\nWARC-Type: response\r\nContent-Type: application/http; msgtype=response\r\n"
    )
    try:
        # A record of its own: the file's iterator cannot go on after an error of HTTP.
        record = WarcRecord.from_bytes(
            b"%sContent-Length: %d\r\n\r\n" % (kind, len(answer)) + answer
        )
        record.parse_http(auto_decode="all")
        status = record.http_headers.status_code
        if not isinstance(status, int):
            return _NoPage("brokenHttp", "no status")
        if status != _OK:
            return _NoPage("status", f"status {status}")
        if record.http_content_type not in _PAGES:
            return _NoPage("notHtml", f"of the type {record.http_content_type}")
        body = record.reader.read(MAX_DOCUMENT_BYTES + 1)
    except OSError as error:
        return _NoPage("brokenHttp", str(error))
    if len(body) > MAX_DOCUMENT_BYTES:
        return _NoPage("tooLarge", f"unpacked, it has more than {MAX_DOCUMENT_BYTES:,} bytes")
    return _decoded(body, record.http_charset)


def _decoded(body: bytes, charset: str | None) -> str:
    """A page as text: by its server's word, its own, or else by what its bytes look like."""
    from resiliparse.parse.encoding import bytes_to_str, detect_encoding, map_encoding_to_html5

    known = map_encoding_to_html5(charset) if charset else None
    try:
        return body.decode(known) if known else decode_page(body)
    except (UnicodeDecodeError, LookupError):
        text: str = bytes_to_str(body, detect_encoding(body) or "utf-8")
        return text
