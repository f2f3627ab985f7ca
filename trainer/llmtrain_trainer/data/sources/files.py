"""The source `files`: JSON lines, parquet, plain text and HTML."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from llmtrain_api.spec.data import FileFormat, Files
from llmtrain_trainer.data.parquet import read_parquet
from llmtrain_trainer.data.reading import (
    filled_lines,
    find_files,
    json_object,
    read_page,
    read_text,
)
from llmtrain_trainer.data.rows import BadRows, string_field
from llmtrain_trainer.stage import StageContext


@dataclass(frozen=True)
class FileShard:
    """One file."""

    path: Path
    format: FileFormat
    text_field: str
    source: str
    size: int
    identity: str

    @property
    def is_html(self) -> bool:
        """Whether every document is HTML."""
        return self.format is FileFormat.HTML

    def documents(self, bad_rows: BadRows) -> Iterator[str]:
        """A document for each row, or the whole file."""
        whole = [(str(self.path), self.path)]
        match self.format:
            case FileFormat.JSONL:
                yield from bad_rows.usable(filled_lines(self.path), self._text_of_line)
            case FileFormat.PARQUET:
                yield from bad_rows.usable(
                    read_parquet(self.path, self.text_field), self._text_of_row
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
    """A shard for each file.

    Raises:
        UserError: a path names no file.
    """
    root = Path(context.config.inputs)
    return [_unit(path, section, root) for path in find_files(section.paths, root)]


def _unit(path: Path, section: Files, root: Path) -> FileShard:
    state = path.stat()
    return FileShard(
        path=path,
        format=section.format,
        text_field=section.text_field,
        source=str(path.relative_to(root) if path.is_relative_to(root) else path),
        size=state.st_size,
        identity=f"{path} {state.st_size} {state.st_mtime_ns}",
    )
