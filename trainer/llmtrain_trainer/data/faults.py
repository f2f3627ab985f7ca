"""Which file of a data set's folder is broken, and where: `datasets` says only that one is."""

import json
from pathlib import Path

from llmtrain_trainer.data.reading import open_bytes, read_json_lines, read_text, require_utf8
from llmtrain_trainer.errors import UserError

_COMPRESSED = {".gz", ".zst"}


def raise_fault(folder: Path) -> None:
    """Look at the data files of a folder that could not be loaded; return if none is at fault.

    Raises:
        UserError: a file is no JSON, not UTF-8, no parquet, or cut off; it names the first one.
    """
    for path in sorted(folder.rglob("*")):
        if path.is_file():
            _read(path)


def _read(path: Path) -> None:
    packed = path.suffix.lower() in _COMPRESSED
    match Path(path.stem if packed else path.name).suffix.lower():
        case ".jsonl" | ".ndjson":
            _read_lines(path)
        case ".json":
            _read_json(path)
        case ".txt" | ".csv" | ".tsv" | ".html" | ".xml" | ".md":
            require_utf8(path)
        case ".parquet":
            _open_parquet(path)


def _read_lines(path: Path) -> None:
    for _ in read_json_lines(path):
        pass


def _read_json(path: Path) -> None:
    """One array, or an object in each line."""
    with open_bytes(path) as file:
        is_array = file.read(1) == b"["
    if not is_array:
        _read_lines(path)
        return
    try:
        json.loads(read_text(path))
    except json.JSONDecodeError as error:
        raise UserError(
            f"{path}: line {error.lineno}: no JSON: {error.msg} at column {error.colno}",
            reason="InvalidData",
        ) from error


def _open_parquet(path: Path) -> None:
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        with pq.ParquetFile(path):
            pass
    except (OSError, pa.ArrowException) as error:
        raise UserError(
            f"{path}: no readable parquet file: {error}", reason="InvalidData"
        ) from error
