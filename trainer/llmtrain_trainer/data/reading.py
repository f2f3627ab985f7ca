"""Reads files, plain or compressed, and says exactly where one is broken."""

import codecs
import gzip
import io
import json
import re
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from typing import BinaryIO, Literal, Protocol

from llmtrain_trainer.errors import UserError

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

    def open(self, mode: Literal["rb"]) -> BinaryIO:
        """Open it for reading."""
        ...


def is_packed(path: Readable) -> bool:
    """Whether a file's name says that it is compressed."""
    return path.suffix.lower() in {".gz", ".zst"}


@contextmanager
def open_bytes(path: Readable) -> Iterator[BinaryIO]:
    """Open a file for reading; the ending `.gz` or `.zst` says that it is compressed.

    Raises:
        UserError: it cannot be read, or its compressed data is broken or cut off.
    """
    import zstandard

    try:
        with path.open("rb") as packed, _unpacked(packed, path.suffix.lower()) as file:
            yield file
    except (OSError, EOFError, zlib.error, zstandard.ZstdError) as error:
        fault = "broken compressed data" if is_packed(path) else "cannot be read"
        raise UserError(f"{path}: {fault}: {error}", reason="InvalidData") from error


def _unpacked(packed: BinaryIO, suffix: str) -> BinaryIO:
    match suffix:
        case ".gz":
            return io.BufferedReader(gzip.GzipFile(fileobj=packed))
        case ".zst":
            from llmtrain_trainer.data.zstd_file import ZstdFile

            return io.BufferedReader(ZstdFile(packed))
        case _:
            return packed


def read_text(path: Readable) -> str:
    """A whole file as text.

    Raises:
        UserError: it is not UTF-8, or cannot be read.
    """
    with open_bytes(path) as file:
        data = file.read().removeprefix(codecs.BOM_UTF8)
    try:
        return data.decode()
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        raise _not_utf8(f"{path}: line {line}", "file", error) from error


def read_page(path: Readable) -> str:
    """A whole HTML file as text, in the charset that it declares.

    Raises:
        UserError: its bytes are not what it declares, or it cannot be read.
    """
    with open_bytes(path) as file:
        data = file.read()
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
            file.readline()  # the rest of a line that starts before
        position = file.tell() if part is not None else 0
        number = 0
        while part is None or position < part.stop:
            line = file.readline()
            if not line:
                return
            position += len(line)
            number += 1
            filled = line.removeprefix(codecs.BOM_UTF8)
            if filled.strip():
                yield f"{path}: line {number}{where}", filled


def json_object(line: bytes, place: str) -> dict[str, object]:
    """The JSON object in a line.

    Raises:
        UserError: the line is not UTF-8 or no JSON object.
    """
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
