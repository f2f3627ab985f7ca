"""The source `files`: JSON lines, parquet, plain text and HTML."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from llmtrain_api.spec.data import FileFormat, Files
from llmtrain_trainer.data.parquet import read_parquet, row_group_bytes
from llmtrain_trainer.data.reading import (
    filled_lines,
    find_files,
    is_packed,
    json_object,
    read_page,
    read_text,
)
from llmtrain_trainer.data.rows import BadRows, string_field
from llmtrain_trainer.stage import StageContext
from llmtrain_trainer.units import neighbours, unit_bytes


@dataclass(frozen=True)
class FileShard:
    """A file, or a part of one."""

    path: Path
    format: FileFormat
    text_field: str
    source: str
    size: int
    identity: str
    part: range | None = None
    """Bytes of a file of JSON lines, or row groups of parquet; None for a whole file."""

    @property
    def is_html(self) -> bool:
        """Whether every document is HTML."""
        return self.format is FileFormat.HTML

    def documents(self, bad_rows: BadRows) -> Iterator[str]:
        """A document for each row, or the whole file."""
        whole = [(str(self.path), self.path)]
        match self.format:
            case FileFormat.JSONL:
                yield from bad_rows.usable(filled_lines(self.path, self.part), self._text_of_line)
            case FileFormat.PARQUET:
                yield from bad_rows.usable(
                    read_parquet(self.path, self.text_field, self.part), self._text_of_row
                )
            case FileFormat.TEXT:
                yield from bad_rows.usable(whole, lambda path, _: read_text(path))
            case FileFormat.HTML:
                yield from bad_rows.usable(whole, lambda path, _: read_page(path))

    def _text_of_line(self, line: bytes, place: str) -> str:
        return self._text_of_row(json_object(line, place), place)

    def _text_of_row(self, row: dict[str, object], place: str) -> str:
        return string_field(row, self.text_field, place)


def file_shards(section: Files, context: StageContext) -> list[FileShard]:
    """A shard for each file; several for one that is larger than what a worker takes at a time.

    Raises:
        UserError: a path names no file.
    """
    root = Path(context.config.inputs)
    files = [(path, path.stat()) for path in find_files(section.paths, root)]
    num_bytes = unit_bytes(sum(state.st_size for _, state in files))
    return [
        FileShard(
            path=path,
            format=section.format,
            text_field=section.text_field,
            source=str(path.relative_to(root) if path.is_relative_to(root) else path),
            size=size,
            identity=f"{path} {state.st_size} {state.st_mtime_ns} {part or ''}".rstrip(),
            part=part,
        )
        for path, state in files
        for part, size in _parts(path, state.st_size, section.format, num_bytes)
    ]


def _parts(
    path: Path, size: int, kind: FileFormat, num_bytes: int
) -> Iterator[tuple[range | None, int]]:
    """Parts of a file with about this many bytes, and their bytes."""
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
