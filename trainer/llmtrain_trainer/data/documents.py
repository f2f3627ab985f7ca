"""Clean documents: their keys, the held-out ones, and their files.

They are parquet files with the columns `text` and `source`, a file's path. The metadata of a file
names the source of the manifest that its documents come from. Copies of training documents have
files of their own, with two more columns: `copy_of`, the key of the original, and `way`.
"""

import hashlib
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Self

import pyarrow as pa
import pyarrow.parquet as pq

from llmtrain_api.data_report import Size
from llmtrain_trainer.data.groups import Groups

_SCHEMA = pa.schema([("text", pa.large_string()), ("source", pa.string())])
_COPY_FIELDS = [pa.field("copy_of", pa.string()), pa.field("way", pa.string())]
_SOURCE_KEY = "llmtrain.source"
_ROW_GROUP_BYTES = 4 * 2**20
"""Text that is held in memory before it is written; also what a task tokenizes at a time."""
_FILE_BYTES = 256 * 2**20
_IGNORABLE = (
    "\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b-\u200f\u202a-\u202e\u2060-\u206f"
    "\u3164\ufe00-\ufe0f\ufeff\uffa0\ufff0-\ufffb\U0001bca0-\U0001bca3\U0001d173-\U0001d17a"
    "\U000e0000-\U000e0fff"
)
"""Characters that nothing is shown for: soft hyphens, zero-width spaces, joiners, fillers, marks of
direction (Unicode's property Default_Ignorable_Code_Point), and marks of annotations."""
_VISIBLE = re.compile(rf"[^\s\x00-\x1f\x7f-\x9f{_IGNORABLE}]")
KEY_BYTES = 16
"""Size of a document's key: among 10^12 documents, two share one with probability 10^-15."""
_SPLIT_BYTES = 8
_SPLIT_HASHES = 1 << (8 * _SPLIT_BYTES)


@dataclass(frozen=True)
class Document:
    """A document that every step of its worker let through."""

    text: str
    key: bytes
    """Hash of the text, for deduplication and for the split."""
    source: int = 0
    """Position of its source in the manifest."""
    groups: Groups = ()
    """Its script, and what steps took it for."""


def is_blank(text: str) -> bool:
    """Whether a text has nothing to see: it is empty, white space, or invisible characters."""
    return _VISIBLE.search(text) is None


def document_key(text: str) -> bytes:
    """A hash of a text that is the same whatever its white space and case.

    Blank texts have the same one, whatever characters they are of.
    """
    normal = "" if is_blank(text) else normal_text(text)
    return hashlib.blake2b(normal.encode(), digest_size=KEY_BYTES).digest()


def normal_text(text: str) -> str:
    """A text in lower case, with one space in place of any white space."""
    return " ".join(text.split()).casefold()


BLANK_KEY = document_key("")
"""The key of every blank document."""


def is_held_out(key: bytes, fraction: float) -> bool:
    """Whether a document is for validation: by its hash, so always the same way.

    Args:
        key: hash of the document, uniform over its first 8 bytes.
        fraction: share of documents held out.
    """
    return int.from_bytes(key[:_SPLIT_BYTES]) / _SPLIT_HASHES < fraction


@dataclass(frozen=True)
class Copy:
    """The origin of a changed copy of a document."""

    original: str
    """The key of the document, in hexadecimal digits."""
    way: str
    """The way in which it was changed, as the data report calls it."""


class DocumentWriter:
    """Writes documents in order; a context manager.

    Args:
        folder: made here; files are named `part-00000.parquet` and so on. Without documents there
            are none.
        source: position of their source in the manifest.
        holds_copies: whether all of them are copies of others.
    """

    def __init__(self, folder: Path, source: int = 0, *, holds_copies: bool = False) -> None:
        folder.mkdir(parents=True)
        self._folder = folder
        schema = pa.schema([*_SCHEMA, *_COPY_FIELDS]) if holds_copies else _SCHEMA
        self._schema = schema.with_metadata({_SOURCE_KEY: str(source)})
        self._texts: list[str] = []
        self._others: list[tuple[str, ...]] = []
        self._pending_bytes = 0
        self._file: pq.ParquetWriter | None = None
        self._file_bytes = 0
        self._num_files = 0
        self._written_documents = self._written_bytes = 0

    @property
    def written(self) -> Size:
        """All documents so far."""
        return Size(documents=self._written_documents, bytes=self._written_bytes)

    def write(self, text: str, source: str, copy: Copy | None = None) -> None:
        """Append one document.

        Args:
            text: the document.
            source: a file's path, or where else it comes from.
            copy: its origin, in a file of copies.
        """
        num_bytes = len(text.encode())
        self._texts.append(text)
        self._others.append((source, copy.original, copy.way) if copy else (source,))
        self._pending_bytes += num_bytes
        self._written_documents += 1
        self._written_bytes += num_bytes
        if self._pending_bytes >= _ROW_GROUP_BYTES:
            self._flush()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        if kind is None and self._texts:
            self._flush()
        self._close_file()

    def _flush(self) -> None:
        others = map(list, zip(*self._others, strict=True))
        table = pa.table([self._texts, *others], schema=self._schema)
        if self._file is None:
            path = self._folder / f"part-{self._num_files:05}.parquet"
            self._file = pq.ParquetWriter(path, self._schema, compression="zstd")
            self._num_files += 1
        self._file.write_table(table)
        self._file_bytes += self._pending_bytes
        self._texts, self._others, self._pending_bytes = [], [], 0
        if self._file_bytes >= _FILE_BYTES:
            self._close_file()

    def _close_file(self) -> None:
        if self._file is not None:
            self._file.close()
            self._file, self._file_bytes = None, 0


@dataclass(frozen=True)
class RowGroup:
    """A few MB of documents in a file."""

    path: Path
    number: int
    num_bytes: int
    """Size in memory."""

    def texts(self) -> list[str]:
        """The documents' texts, in order."""
        return self._column("text")

    def sources(self) -> list[str]:
        """The documents' sources, in order."""
        return self._column("source")

    def _column(self, name: str) -> list[str]:
        with pq.ParquetFile(self.path) as file:
            values: list[str] = file.read_row_group(self.number, columns=[name])[name].to_pylist()
        return values


def documents_at(folder: Path, rows: Sequence[int]) -> list[tuple[str, str]]:
    """Text and source of some documents of a folder.

    Args:
        folder: holds files of documents.
        rows: positions of the documents among all, in their order.
    """
    found: list[tuple[str, str]] = []
    start = 0
    for path in sorted(folder.glob("*.parquet")):
        with pq.ParquetFile(path) as file:
            for number in range(file.num_row_groups):
                stop = start + file.metadata.row_group(number).num_rows
                inside = [row - start for row in rows if start <= row < stop]
                if inside:
                    table = file.read_row_group(number).take(inside)
                    found += zip(*(column.to_pylist() for column in table.columns), strict=True)
                start = stop
    return found


@dataclass(frozen=True)
class DocumentFile:
    """A file of documents."""

    path: Path
    group_bytes: tuple[int, ...]
    """Size in memory of each row group."""
    source: int | None
    """Position of their source in the manifest; None in the files of an older version."""
    holds_copies: bool = False
    """Whether its documents are changed copies of others."""

    @property
    def num_bytes(self) -> int:
        """Size in memory."""
        return sum(self.group_bytes)

    def row_groups(self) -> list[RowGroup]:
        """Its documents, in order."""
        sizes = enumerate(self.group_bytes)
        return [RowGroup(self.path, number, size) for number, size in sizes]


def document_files(folder: Path) -> list[DocumentFile]:
    """All files of a folder, in the order of the documents."""
    files = []
    for path in sorted(folder.glob("*.parquet")):
        metadata = pq.read_metadata(path)
        groups = map(metadata.row_group, range(metadata.num_row_groups))
        sizes = tuple(group.total_byte_size for group in groups)
        source = (metadata.metadata or {}).get(_SOURCE_KEY.encode())
        number = None if source is None else int(source)
        holds_copies = _COPY_FIELDS[0].name in metadata.schema.names
        files.append(DocumentFile(path, sizes, number, holds_copies))
    return files


def row_groups(folder: Path) -> list[RowGroup]:
    """All documents of a folder, in order."""
    return [group for file in document_files(folder) for group in file.row_groups()]
