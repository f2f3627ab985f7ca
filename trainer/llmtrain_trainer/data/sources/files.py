"""The source `files`: JSON lines, parquet, CSV, plain text, HTML and web archives."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from llmtrain_api.spec.data import FileFormat, Files
from llmtrain_trainer.data.readers.csv_file import CsvRow, read_csv, separator_advice
from llmtrain_trainer.data.readers.inputs import InputFile, input_files
from llmtrain_trainer.data.readers.parquet import read_parquet, row_group_bytes
from llmtrain_trainer.data.readers.reading import (
    filled_lines,
    is_packed,
    json_object,
    read_page,
    read_text,
)
from llmtrain_trainer.data.readers.rows import BadRows, TextOfRow
from llmtrain_trainer.data.readers.warc import read_pages, read_texts
from llmtrain_trainer.errors import UserError
from llmtrain_trainer.stage import StageContext
from llmtrain_trainer.units import neighbours, unit_bytes

_FIELD = "data.sources files.paths"


@dataclass(frozen=True, slots=True)
class FileShard:
    """A file, or a part of one."""

    file: InputFile
    format: FileFormat
    text: TextOfRow
    source: str
    size: int
    part: range | None = None
    """Bytes of a file of JSON lines, or row groups of parquet; None for a whole file."""

    @property
    def identity(self) -> str:
        """The file's name and state, and the part."""
        return f"{self.file.identity} {self.part or ''}".rstrip()

    @property
    def is_html(self) -> bool:
        """Whether every document is HTML."""
        return self.format in {FileFormat.HTML, FileFormat.WARC}

    def documents(self, bad_rows: BadRows) -> Iterator[str]:
        """A document for each row, or the whole file."""
        try:
            yield from self._documents(bad_rows)
        except UserError:
            self.file.require_unchanged()  # which would be the reason
            raise
        self.file.require_unchanged()

    def _documents(self, bad_rows: BadRows) -> Iterator[str]:
        path = self.file.path
        whole = [(str(path), path)]
        match self.format:
            case FileFormat.JSONL:
                yield from bad_rows.usable(filled_lines(path, self.part), self._text_of_line)
            case FileFormat.PARQUET:
                yield from bad_rows.usable(
                    read_parquet(path, self.text.fields, self.part), self.text
                )
            case FileFormat.CSV:
                yield from bad_rows.usable(read_csv(path), self._text_of_csv)
            case FileFormat.WARC:
                yield from read_pages(path, bad_rows)
            case FileFormat.WET:
                yield from read_texts(path, bad_rows)
            case FileFormat.TEXT:
                yield from bad_rows.usable(whole, lambda path, _: read_text(path))
            case FileFormat.HTML:
                yield from bad_rows.usable(whole, lambda path, _: read_page(path))

    def _text_of_line(self, line: bytes, place: str) -> str:
        return self.text(json_object(line, place), place)

    def _text_of_csv(self, row: CsvRow, place: str) -> str:
        fields = row.fields(place)
        if (advice := separator_advice(fields)) and not fields.keys() >= {*self.text.fields}:
            raise UserError(
                f"{place}: the header is {next(iter(fields))!r}{advice}", reason="InvalidData"
            )
        return self.text(fields, place)


def file_shards(section: Files, context: StageContext) -> list[FileShard]:
    """A shard for each file; several for one that is larger than what a worker takes at a time.

    Raises:
        UserError: a path names no file.
        StoreError: object storage could not be reached.
    """
    root = Path(context.config.inputs)
    files = input_files(section.paths, _FIELD, context)
    text = TextOfRow(section.text_field, section.template)
    num_bytes = unit_bytes(sum(file.size for file in files))
    return [
        FileShard(
            file=file,
            format=section.format,
            text=text,
            source=_origin(file, root),
            size=size,
            part=part,
        )
        for file in files
        for part, size in _parts(file, section.format, num_bytes)
    ]


def _origin(file: InputFile, root: Path) -> str:
    """The name of a file in reports: a path below the inputs folder, or else the whole of it."""
    path = file.path
    return str(
        path.relative_to(root) if isinstance(path, Path) and path.is_relative_to(root) else path
    )


def _parts(file: InputFile, kind: FileFormat, num_bytes: int) -> Iterator[tuple[range | None, int]]:
    """Parts of a file with about this many bytes, and their bytes."""
    path, size = file.path, file.size
    count = size // num_bytes
    if count > 1 and kind is FileFormat.JSONL and not is_packed(path):
        for number in range(count):
            part = range(size * number // count, size * (number + 1) // count)
            yield part, len(part)
    elif count > 1 and kind is FileFormat.PARQUET and (groups := row_group_bytes(path)):
        for numbers, bytes_read in neighbours(enumerate(groups), num_bytes):
            yield range(numbers[0], numbers[-1] + 1), bytes_read
    else:
        yield None, size
