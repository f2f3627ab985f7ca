"""Cleans one unit of a corpus: the first of three rounds of the workers.

The documents that the unit's steps let through are written with their keys. The next round finds
repetitions by the keys alone (`shuffle.py`), the last writes both splits (`splitting.py`).
"""

from collections.abc import Iterable, Iterator
from functools import partial
from pathlib import Path

from llmtrain_api.base import Record
from llmtrain_api.spec.data import Data
from llmtrain_trainer.data.contamination.decontamination import Decontamination
from llmtrain_trainer.data.documents import DocumentWriter, row_groups
from llmtrain_trainer.data.groups import Groups, write_groups
from llmtrain_trainer.data.pipeline import DocumentBatch, work_on_shard
from llmtrain_trainer.data.report import Tally, total
from llmtrain_trainer.data.shuffle import read_keys, write_keys
from llmtrain_trainer.data.sources.shards import SourceShard
from llmtrain_trainer.data.units import CorpusUnit
from llmtrain_trainer.units import committed

DOCUMENTS = "documents"
"""Folder of a clean unit's documents."""


class CleanUnit(Record):
    """Report on the documents of a unit."""

    tally: Tally
    num_kept: int


def clean(
    unit: CorpusUnit, data: Data, home: Path, decontamination: Decontamination | None = None
) -> CleanUnit:
    """Read the documents of a unit, and write those that its steps let through.

    Args:
        unit: says what is read.
        data: the manifest's section.
        home: folder of all clean units.
        decontamination: the search for evaluation questions.

    Raises:
        UserError: what the unit reads is not what it should be.
    """
    return committed(home / unit.name, partial(_clean, unit, data, decontamination), CleanUnit)


def _clean(
    unit: CorpusUnit, data: Data, decontamination: Decontamination | None, folder: Path
) -> CleanUnit:
    keys = bytearray()
    groups: list[Groups] = []
    batches = (
        batch
        for shard in unit.shards
        for batch in work_on_shard(SourceShard(shard, unit.source), data, decontamination)
    )
    with DocumentWriter(folder / DOCUMENTS, unit.source) as writer:
        tally = total(_written(batches, writer, keys, groups))
    write_keys(folder, keys)
    write_groups(folder, groups)
    return CleanUnit(tally=tally, num_kept=writer.written.documents)


def _written(
    batches: Iterable[DocumentBatch],
    writer: DocumentWriter,
    keys: bytearray,
    groups: list[Groups],
) -> Iterator[Tally]:
    """The counts of each batch, once its documents, their keys and groups are taken."""
    for batch in batches:
        for document in batch.documents:
            writer.write(document.text, batch.origin)
            keys += document.key
            groups.append(document.groups)
        yield batch.tally


def stored_documents(folder: Path) -> Iterator[tuple[str, str, bytes]]:
    """Text, source and key of each document of a clean unit, in order."""
    keys = iter(read_keys(folder))
    for group in row_groups(folder / DOCUMENTS):
        for text, source in zip(group.texts(), group.sources(), strict=True):
            yield text, source, next(keys)
