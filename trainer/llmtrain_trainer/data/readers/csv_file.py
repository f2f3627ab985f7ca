"""Reads the rows of CSV files, as RFC 4180 describes them."""

import codecs
import csv
from collections import Counter
from collections.abc import Collection, Iterator
from dataclasses import dataclass

from llmtrain_trainer.data.readers.reading import (
    MAX_DOCUMENT_BYTES,
    Readable,
    bounded_lines,
    open_bytes,
)
from llmtrain_trainer.errors import UserError

_UNDECODED = "surrogateescape"
"""Bytes that are not UTF-8 stay in a row until it is known whether its text has them."""


_OTHER_SEPARATORS = ";\t|"


def separator_advice(names: Collection[str]) -> str:
    """What to do about a header that seems to have another separator; empty where it has none.

    Args:
        names: names of the columns.
    """
    if len(names) != 1:
        return ""
    found = next((each for each in _OTHER_SEPARATORS if each in "".join(names)), None)
    return f": a comma must separate the fields, not {found!r}" if found else ""


@dataclass(frozen=True)
class CsvRow:
    """A row, or what is wrong with it."""

    values: dict[str, object]
    fault: str = ""

    def fields(self, place: str) -> dict[str, object]:
        """Its fields by the names in the header.

        Raises:
            UserError: it is no row.
        """
        if self.fault:
            raise UserError(f"{place}: {self.fault}", reason="InvalidData")
        return self.values


class _TooLongError(Exception):
    """A row has more bytes than a document."""


class _Lines:
    """The lines of a file for the parser, of which a row may take several."""

    def __init__(self, lines: Iterator[bytes]) -> None:
        self._lines = lines
        self.count = 0
        self.bytes_of_row = 0

    def __iter__(self) -> "_Lines":
        return self

    def __next__(self) -> str:
        line = next(self._lines)
        if not self.count:
            line = line.removeprefix(codecs.BOM_UTF8)
        self.count += 1
        self.bytes_of_row += len(line)
        if self.bytes_of_row > MAX_DOCUMENT_BYTES:
            raise _TooLongError
        return line.decode(errors=_UNDECODED)


def read_csv(path: Readable) -> Iterator[tuple[str, CsvRow]]:
    """The rows of a file, each with its place (`raw/a.csv: line 3`). The first line is the header.

    Fields are separated by commas; those with commas, quotes or line ends stand in double quotes,
    in which a quote is written twice. Empty lines are passed over.

    Raises:
        UserError: the header is not one, or the file cannot be read.
    """
    csv.field_size_limit(MAX_DOCUMENT_BYTES)
    with open_bytes(path) as file:
        lines = _Lines(bounded_lines(file))
        rows = csv.reader(lines, strict=True)
        names: list[str] | None = None
        while True:
            start, lines.bytes_of_row = lines.count + 1, 0
            place = f"{path}: line {start}"
            try:
                values, fault = next(rows), ""
            except StopIteration:
                return
            except csv.Error as error:
                values, fault = [], f"no row of CSV: {error}{_up_to(start, lines.count)}"
            except _TooLongError:
                values = []
                fault = f"the row has more than {MAX_DOCUMENT_BYTES:,} bytes, with a quote that "
                fault += f"is never closed{_up_to(start, lines.count)}?"
            if names is None:
                if fault or values:
                    names = _header(values, fault, place)
            elif values or fault:
                yield place, _row(names, values, fault)


def _up_to(start: int, last: int) -> str:
    return f" (up to line {last})" if last > start else ""


def _header(values: list[str], fault: str, place: str) -> list[str]:
    twice = next((name for name, count in Counter(values).items() if count > 1), None)
    fault = fault or (f"two columns have the name {twice!r}" if twice is not None else "")
    if fault or _is_undecoded("".join(values)):
        raise UserError(
            f"{place}: the header must name the columns, as UTF-8; {fault or 'it is not UTF-8'}",
            reason="InvalidData",
        )
    return values


def _row(names: list[str], values: list[str], fault: str) -> CsvRow:
    if not fault and len(values) != len(names):
        fault = f"{len(values)} fields, where the header has {len(names)}"
        fault += separator_advice(names)
    if fault:
        return CsvRow({}, fault)
    return CsvRow({name: _as_read(value) for name, value in zip(names, values, strict=True)})


def _as_read(value: str) -> str | bytes:
    """A text, or the bytes of one that is not UTF-8."""
    return value.encode(errors=_UNDECODED) if _is_undecoded(value) else value


def _is_undecoded(value: str) -> bool:
    try:
        value.encode()
    except UnicodeEncodeError:
        return True
    return False
