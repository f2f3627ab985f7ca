"""Reads the rows of parquet files."""

from collections.abc import Iterator
from pathlib import Path

from llmtrain_trainer.data.fields import column_of
from llmtrain_trainer.errors import UserError

_ROWS_AT_A_TIME = 1024


def read_parquet(path: Path, field: str) -> Iterator[tuple[str, dict[str, object]]]:
    """The rows of a file, each with its place (`raw/a.parquet: row 3`).

    Args:
        path: of the file.
        field: the only one that is wanted; no other column is read where it is there.

    Raises:
        UserError: the file cannot be read.
    """
    import pyarrow as pa
    import pyarrow.parquet as pq

    number = 0
    try:
        with pq.ParquetFile(path) as file:
            column = column_of(file.schema_arrow.names, field)
            for batch in file.iter_batches(_ROWS_AT_A_TIME, columns=[column] if column else None):
                for row in batch.to_pylist():
                    number += 1
                    yield f"{path}: row {number}", row
    except (OSError, pa.ArrowException) as error:
        raise UserError(
            f"{path}: no readable parquet file: {error}", reason="InvalidData"
        ) from error
