"""The source `files`: JSON lines, parquet, plain text and HTML."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from llmtrain_api.spec.data import FileFormat, Files
from llmtrain_trainer.data.paths import find_files
from llmtrain_trainer.data.reading import read_json_lines, read_text, string_field
from llmtrain_trainer.errors import UserError
from llmtrain_trainer.stage import StageContext

_ROWS_AT_A_TIME = 1024


@dataclass(frozen=True)
class FileUnit:
    """One file."""

    path: Path
    format: FileFormat
    text_field: str
    source: str
    size: int
    identity: str

    def documents(self) -> Iterator[str]:
        """A document for each row, or the whole file."""
        match self.format:
            case FileFormat.JSONL:
                for place, row in read_json_lines(self.path):
                    yield string_field(row, self.text_field, place)
            case FileFormat.PARQUET:
                yield from _read_parquet(self.path, self.text_field)
            case FileFormat.TEXT | FileFormat.HTML:
                yield read_text(self.path)


def files_units(section: Files, context: StageContext) -> list[FileUnit]:
    """A unit for each file.

    Raises:
        UserError: a path names no file.
    """
    root = Path(context.config.inputs)
    return [_unit(path, section, root) for path in find_files(section.paths, root)]


def _unit(path: Path, section: Files, root: Path) -> FileUnit:
    state = path.stat()
    return FileUnit(
        path=path,
        format=section.format,
        text_field=section.text_field,
        source=str(path.relative_to(root) if path.is_relative_to(root) else path),
        size=state.st_size,
        identity=f"{path} {state.st_size} {state.st_mtime_ns}",
    )


def _read_parquet(path: Path, text_field: str) -> Iterator[str]:
    import pyarrow as pa
    import pyarrow.parquet as pq

    number = 0
    try:
        with pq.ParquetFile(path) as file:
            columns = [name for name in file.schema_arrow.names if name == text_field]
            for batch in file.iter_batches(_ROWS_AT_A_TIME, columns=columns or None):
                for row in batch.to_pylist():
                    number += 1
                    yield string_field(row, text_field, f"{path}: row {number}")
    except (OSError, pa.ArrowException) as error:
        raise UserError(
            f"{path}: no readable parquet file: {error}", reason="InvalidData"
        ) from error
