"""Reads files, plain or compressed, and says exactly where one is broken."""

import codecs
import gzip
import json
import re
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from io import BufferedReader
from typing import TYPE_CHECKING, Literal, Protocol

from llmtrain_trainer.errors import UserError, in_one_line

if TYPE_CHECKING:
    from _typeshed import WriteableBuffer

_OTHER_KINDS = {
    b"\x1f\x8b": "this is gzip data; let the file's name end with .gz",
    b"\x28\xb5\x2f\xfd": "this is zstd data; let the file's name end with .zst",
    b"BZh": "this is bzip2 data; unpack it",
    b"\xfd7zXZ": "this is xz data; unpack it",
    b"PK\x03\x04": "this is a zip archive; unpack it",
    b"\xff\xfe": "this is UTF-16; convert the file to UTF-8",
    b"\xfe\xff": "this is UTF-16; convert the file to UTF-8",
}
"""Kinds of files by their first bytes, with advice for each."""
MAX_DOCUMENT_BYTES = 64 * 2**20
"""The longest line, row or file that is read as one document: ten times the longest book, and a
bound on a worker's memory where a small compressed file unpacks to gigabytes."""
_SKIPPED_BYTES = 2**20
"""Bytes of a line that is too long, read at a time."""
_UNPACKED_BYTES = 2**16
"""Unpacked at a time: each call costs microseconds."""
_BYTE_ORDER_MARKS = {
    codecs.BOM_UTF8: "utf-8",
    codecs.BOM_UTF16_LE: "utf-16-le",
    codecs.BOM_UTF16_BE: "utf-16-be",
}
_DECLARED_WITHIN_BYTES = 1024
"""Browsers look no further."""
_DECLARATION = re.compile(
    rb"<meta\s[^>]*?charset\s*=\s*[\"']?\s*([\w:.+-]+)"
    rb"|\A\s*<\?xml[^>]*?\sencoding\s*=\s*[\"']([\w:.+-]+)",
    re.IGNORECASE,
)


class Readable(Protocol):
    """A path, or a file in object storage; its text is its name."""

    @property
    def suffix(self) -> str:
        """The end of its name: `.gz`."""
        ...

    def open(self, mode: Literal["rb"]) -> BufferedReader:
        """Open it for reading."""
        ...


def reading_errors() -> tuple[type[Exception], ...]:
    """The errors of the disk, and of broken compressed data."""
    import zstandard

    return OSError, EOFError, zlib.error, zstandard.ZstdError


def is_packed(path: Readable) -> bool:
    """Whether a file's name says that it is compressed."""
    return path.suffix.lower() in {".gz", ".zst"}


@contextmanager
def open_bytes(path: Readable) -> Iterator[BufferedReader]:
    """Open a file for reading; the ending `.gz` or `.zst` says that it is compressed.

    Raises:
        UserError: it cannot be read, or its compressed data is broken or cut off.
    """
    try:
        with path.open("rb") as packed, _unpacked(packed, path.suffix.lower()) as file:
            yield file
    except reading_errors() as error:
        message = f"{path}: cannot be read: {error}"
        if is_packed(path):
            message = (
                f"{path}: broken compressed data: {in_one_line(error)}; fetch or write the file "
                "again, or leave it out of the manifest"
            )
        raise UserError(message, reason="InvalidData") from error


class _GzipFile(gzip.GzipFile):
    """Gives all that was unpacked before an error, which comes with the next call."""

    def readinto(self, buffer: "WriteableBuffer") -> int:
        """Fill the beginning of a buffer; 0 means the end."""
        target = memoryview(buffer).cast("B")
        data = self.read1(len(target))
        target[: len(data)] = data
        return len(data)


def _unpacked(packed: BufferedReader, suffix: str) -> BufferedReader:
    match suffix:
        case ".gz":
            return BufferedReader(_GzipFile(fileobj=packed), _UNPACKED_BYTES)
        case ".zst":
            from llmtrain_trainer.data.readers.zstd_file import ZstdFile

            return BufferedReader(ZstdFile(packed))
        case _:
            return packed


def read_text(path: Readable) -> str:
    """A whole file as text.

    Raises:
        UserError: it is not UTF-8, or cannot be read.
    """
    data = _document(path).removeprefix(codecs.BOM_UTF8)
    try:
        return data.decode()
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        raise _not_utf8(f"{path}: line {line}", "file", error) from error


def _document(path: Readable) -> bytes:
    """A whole file, unpacked.

    Raises:
        UserError: it is longer than a document may be, or cannot be read.
    """
    with open_bytes(path) as file:
        data = file.read(MAX_DOCUMENT_BYTES + 1)
    require_document(len(data), str(path))
    return data


def require_document(num_bytes: int, place: str) -> None:
    """Make sure that a document is not longer than one may be.

    Raises:
        UserError: it is.
    """
    if num_bytes > MAX_DOCUMENT_BYTES:
        raise UserError(
            f"{place}: a document may have {MAX_DOCUMENT_BYTES:,} bytes, and here are more; split "
            "it into several",
            reason="InvalidData",
        )


def read_page(path: Readable) -> str:
    """A whole HTML file as text, in the charset that it declares.

    Raises:
        UserError: its bytes are not what it declares, or it cannot be read.
    """
    data = _document(path)
    try:
        return decode_page(data)
    except UnicodeDecodeError as error:
        raise UserError(
            f"{path}: not {error.encoding}: byte 0x{error.object[error.start]:02x} at offset "
            f"{error.start}; declare the charset in a meta tag, or convert the file to UTF-8",
            reason="InvalidData",
        ) from error


def require_utf8(path: Readable) -> None:
    """Make sure that a file is text, without holding it in memory.

    Raises:
        UserError: it is not UTF-8, or cannot be read.
    """
    with open_bytes(path) as file:
        for number, line in enumerate(file, start=1):
            try:
                line.decode()
            except UnicodeDecodeError as error:
                raise _not_utf8(f"{path}: line {number}", "line", error) from error


def read_json_lines(path: Readable) -> Iterator[tuple[str, dict[str, object]]]:
    """The objects of a JSON lines file, each with its place (`raw/a.jsonl: line 3`).

    Empty lines are passed over.

    Raises:
        UserError: a line is not UTF-8 or no JSON object, or the file cannot be read.
    """
    for place, line in filled_lines(path):
        yield place, json_object(line, place)


def filled_lines(path: Readable, part: range | None = None) -> Iterator[tuple[str, bytes]]:
    """The lines of a file that are not empty, each with its place (`raw/a.jsonl: line 3`).

    Of a line that is longer than a document may be, the beginning comes, which is too long as well.

    Args:
        path: the file.
        part: bytes of the file, which is not compressed: the lines that start within are read. Such
            a place says from which byte on lines are counted.

    Raises:
        UserError: the file cannot be read.
    """
    where = ""
    with open_bytes(path) as file:
        if part is not None and part.start:
            where = f" after byte {part.start}"
            file.seek(part.start - 1)
            _skip_line(file)  # the rest of a line that starts before
        position = file.tell() if part is not None else 0
        number = 0
        while part is None or position < part.stop:
            line, num_bytes = _line(file)
            if not line:
                return
            position += num_bytes
            number += 1
            filled = line.removeprefix(codecs.BOM_UTF8)
            if filled.strip():
                yield f"{path}: line {number}{where}", filled


def bounded_lines(file: BufferedReader) -> Iterator[bytes]:
    """The lines of an open file; of one that is too long the beginning, which is so as well."""
    while line := _line(file)[0]:
        yield line


def _line(file: BufferedReader) -> tuple[bytes, int]:
    """The next line, or the beginning of one that is too long; and the bytes of all of it."""
    line = file.readline(MAX_DOCUMENT_BYTES + 1)
    is_cut = len(line) > MAX_DOCUMENT_BYTES and not line.endswith(b"\n")
    return line, len(line) + (_skip_line(file) if is_cut else 0)


def _skip_line(file: BufferedReader) -> int:
    """Read up to the end of a line, and return the number of bytes."""
    count = 0
    while piece := file.readline(_SKIPPED_BYTES):
        count += len(piece)
        if piece.endswith(b"\n"):
            break
    return count


def json_object(line: bytes, place: str) -> dict[str, object]:
    """The JSON object in a line.

    Raises:
        UserError: the line is too long, not UTF-8 or no JSON object.
    """
    require_document(len(line), place)
    try:
        row = json.loads(line.decode())
    except UnicodeDecodeError as error:
        raise _not_utf8(place, "line", error) from error
    except json.JSONDecodeError as error:
        raise _no_json(place, f"{error.msg} at column {error.colno}") from error
    except (ValueError, RecursionError) as error:  # a number too long, brackets too deep
        raise _no_json(place, str(error)) from error
    if not isinstance(row, dict):
        raise _no_json(place, f"found {row!r:.80}")
    return row


def _no_json(place: str, fault: str) -> UserError:
    return UserError(f"{place}: each line must be one JSON object; {fault}", reason="InvalidData")


def _not_utf8(place: str, counted_from: str, error: UnicodeDecodeError) -> UserError:
    starts = (advice for start, advice in _OTHER_KINDS.items() if error.object.startswith(start))
    return UserError(
        f"{place}: not UTF-8: byte 0x{error.object[error.start]:02x} at offset {error.start} "
        f"of the {counted_from}; {next(starts, 'convert the file to UTF-8')}",
        reason="InvalidData",
    )


def decode_page(data: bytes) -> str:
    """A page as text: by its byte order mark, the charset that it declares, or as UTF-8.

    Raises:
        UnicodeDecodeError: it is not what it declares.
    """
    for mark, charset in _BYTE_ORDER_MARKS.items():
        if data.startswith(mark):
            return data[len(mark) :].decode(charset)
    return data.decode(_declared(data[:_DECLARED_WITHIN_BYTES]))


def _declared(start: bytes) -> str:
    from resiliparse.parse.encoding import map_encoding_to_html5

    found = _DECLARATION.search(start)
    if found is None:
        return "utf-8"
    name = (found[1] or found[2]).decode("ascii")
    charset: str = map_encoding_to_html5(name) or "utf-8"
    # A declaration that can be read as ASCII does not stand in UTF-16.
    return "utf-8" if charset.startswith("utf-16") else charset
