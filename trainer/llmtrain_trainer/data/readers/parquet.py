"""Reads the rows of parquet files."""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from llmtrain_trainer.data.readers.reading import require_document
from llmtrain_trainer.data.readers.rows import column_of
from llmtrain_trainer.errors import UserError
from llmtrain_trainer.object_storage.stored_files import StoredFile

if TYPE_CHECKING:
    import pyarrow as pa
    import pyarrow.parquet as pq

_ROWS_AT_A_TIME = 64
"""A value that a dictionary holds once may be in each of them."""
_LARGEST_DICTIONARY = 4 * 2**20
"""Packed bytes; writers stop at one megabyte unpacked."""
_DENSEST = 200
"""Unpacked bytes for each packed one; of text, zstd makes at most 20."""
_LARGEST_DENSE = 256 * 2**20
"""Unpacked bytes of a column in a row group, where it is as dense as no text is."""


def read_parquet(
    path: Path | StoredFile, fields: Sequence[str], part: range | None = None
) -> Iterator[tuple[str, dict[str, object]]]:
    """The rows of a file, each with its place (`raw/a.parquet: row 3`).

    Texts that are not UTF-8, which parquet itself does not check, come as bytes.

    Args:
        path: path of the file.
        fields: the only fields to read. If a column is missing, the rows have the names of all
            without their values.
        part: numbers of the row groups to read; None for all.

    Raises:
        UserError: the file cannot be read.
    """
    import pyarrow as pa

    number = 0
    try:
        with _opened(path) as file:
            names = file.schema_arrow.names
            columns = [column_of(names, field) for field in fields]
            found = [*dict.fromkeys(column for column in columns if column is not None)]
            empty = dict.fromkeys(names) if None in columns else None
            groups = range(file.num_row_groups) if part is None else part
            number = sum(file.metadata.row_group(n).num_rows for n in range(groups.start))
            size = _rows_at_a_time(file, groups, found, path)
            for batch in file.iter_batches(size, row_groups=groups, columns=found):
                rows = _values(batch) if empty is None else [empty] * batch.num_rows
                for row in rows:
                    number += 1
                    yield f"{path}: row {number}", row
    except (OSError, ValueError, OverflowError, pa.ArrowException) as error:
        raise UserError(
            f"{path}: no readable parquet file: {error}", reason="InvalidData"
        ) from error


def _rows_at_a_time(
    file: "pq.ParquetFile", groups: range, columns: Sequence[str], path: Path | StoredFile
) -> int:
    """The number of rows that are held at a time: one where a dictionary may repeat large values.

    Raises:
        UserError: a row group unpacks to more than there can be of text.
    """
    size = _ROWS_AT_A_TIME
    for number in groups:
        group = file.metadata.row_group(number)
        for chunk in (group.column(n) for n in range(group.num_columns)):
            if chunk.path_in_schema.partition(".")[0] not in {c.partition(".")[0] for c in columns}:
                continue
            place = f"{path}: row group {number + 1}"
            packed, unpacked = chunk.total_compressed_size, chunk.total_uncompressed_size
            require_document(unpacked // max(chunk.num_values, 1), place)
            is_dense = unpacked > _DENSEST * packed
            if is_dense and unpacked > _LARGEST_DENSE:
                raise UserError(
                    f"{place}: {packed:,} bytes unpack to {unpacked:,}, as those of no text do",
                    reason="InvalidData",
                )
            dictionary = chunk.data_page_offset - (chunk.dictionary_page_offset or 0)
            if chunk.has_dictionary_page and (is_dense or dictionary > _LARGEST_DICTIONARY):
                size = 1
    return size


def row_group_bytes(path: Path | StoredFile) -> list[int]:
    """Bytes of each row group on the disk; empty where the file cannot be read."""
    import pyarrow as pa

    try:
        with _opened(path) as file:
            metadata = file.metadata
    except (OSError, ValueError, pa.ArrowException):
        return []  # whoever reads the file says what is wrong
    groups = (metadata.row_group(number) for number in range(metadata.num_row_groups))
    return [
        sum(group.column(n).total_compressed_size for n in range(group.num_columns))
        for group in groups
    ]


def _opened(path: Path | StoredFile) -> "pq.ParquetFile":
    import pyarrow.parquet as pq

    if isinstance(path, Path):
        return pq.ParquetFile(path)
    # A request for each run of columns, instead of one for each page.
    return pq.ParquetFile(path.parts(), pre_buffer=True)


def _values(batch: "pa.RecordBatch") -> list[dict[str, object]]:
    """The rows of a batch."""
    try:
        rows: list[dict[str, object]] = batch.to_pylist()
    except UnicodeDecodeError:
        schema = batch.schema
        for number, column in enumerate(schema):
            schema = schema.set(number, column.with_type(_as_bytes(column.type)))
        rows = batch.cast(schema).to_pylist()
    return rows


def _as_bytes(kind: "pa.DataType") -> "pa.DataType":
    """A type with bytes in place of texts, within structs too."""
    import pyarrow as pa

    types = pa.types
    if types.is_string(kind) or types.is_large_string(kind) or types.is_string_view(kind):
        return pa.large_binary()
    if types.is_struct(kind):
        return pa.struct([field.with_type(_as_bytes(field.type)) for field in kind])
    return kind
