"""Loads a data set of the Hugging Face hub, or a local folder, and finds what is broken in one."""

import json
import logging
from pathlib import Path
from typing import TYPE_CHECKING

from llmtrain_trainer.data.readers.reading import (
    open_bytes,
    read_json_lines,
    read_text,
    require_utf8,
)
from llmtrain_trainer.disk import is_full
from llmtrain_trainer.errors import UserError, in_one_line, neither_folder_nor_hub

if TYPE_CHECKING:
    from datasets import Dataset

_log = logging.getLogger(__name__)

_SAVED_DATASET = "state.json"
_SAVED_SPLITS = "dataset_dict.json"
_COMPRESSED = {".gz", ".zst"}


def load_dataset(
    path: str, subset: str | None, split: str, *, inputs: Path, cache: Path
) -> "Dataset":
    """One split of a data set, its rows left on the disk.

    Args:
        path: a folder that `datasets` saved, a folder with data files, or a name on the hub.
        subset: the data set's configuration, where it has several.
        split: which split.
        inputs: where a relative path starts.
        cache: where the rows are kept; every machine that reads them must see it.

    Raises:
        UserError: it cannot be found or loaded.
    """
    folder = inputs / path
    try:
        return _load(folder, path, subset, split, str(cache))
    except Exception as error:  # its HTTP client, and answers of another shape, raise anything
        _log.info("huggingFace %s cannot be loaded", path, exc_info=True)
        why = _underlying_error(error)
        if is_full(why):
            raise why from error
        if not _is_saved(folder):
            raise_for_damaged_file(folder)
        named, wanted = f"huggingFace {path}", f"a folder below {inputs}"
        message = (
            f"{named}: {in_one_line(why)}"
            if folder.is_dir()
            else neither_folder_nor_hub(named, why, wanted=wanted, kind="a data set")
        )
        raise UserError(message, reason="InvalidData") from error


def _load(folder: Path, path: str, subset: str | None, split: str, cache: str) -> "Dataset":
    import datasets

    if (folder / _SAVED_DATASET).is_file():
        return datasets.load_from_disk(str(folder))
    if (folder / _SAVED_SPLITS).is_file():
        splits = datasets.load_from_disk(str(folder))
        if split not in splits:
            raise LookupError(f"no split {split!r}; the splits are: {', '.join(splits)}")
        return splits[split]
    source = str(folder) if folder.is_dir() else path
    return datasets.load_dataset(source, subset, split=split, cache_dir=cache)


def _is_saved(folder: Path) -> bool:
    return (folder / _SAVED_DATASET).is_file() or (folder / _SAVED_SPLITS).is_file()


def _underlying_error(error: Exception) -> BaseException:
    """The cause of an error whose own message only says that loading failed."""
    from datasets.exceptions import DatasetGenerationError

    return (error.__cause__ or error) if isinstance(error, DatasetGenerationError) else error


def raise_for_damaged_file(folder: Path) -> None:
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
