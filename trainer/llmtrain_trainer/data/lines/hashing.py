"""Hashes of the lines of one unit's documents: the first round."""

from collections.abc import Iterator
from functools import partial
from itertools import islice
from pathlib import Path

import numpy as np

from llmtrain_api.base import Record
from llmtrain_trainer.data.cleaning import stored_documents
from llmtrain_trainer.data.drops import dropped_row_numbers
from llmtrain_trainer.data.lines.parts import parts
from llmtrain_trainer.data.lines.task import LineTask
from llmtrain_trainer.units import committed

LINE_ROW = np.dtype([("hash", "<u8"), ("row", "<u4")])
_RUN_LINES = 4_000_000
"""Lines that are sorted together: 48 MB, and as much again while they are."""


class HashedLines(Record):
    """Report on the lines of a unit."""

    num_lines: int
    """Lines that are compared; one that stands in a document several times counts once."""


def hash_lines(unit: int, task: LineTask) -> HashedLines:
    """Write the hashes of the lines of a unit's documents.

    They are arrays of `LINE_ROW`, each in the order of its hashes, and of documents where these are
    equal; the documents of one array come before those of the next.
    """
    return committed(task.hashes_of(unit), partial(_hash_lines, unit, task), HashedLines)


def runs(unit: int, task: LineTask) -> list[Path]:
    """The arrays of a unit, in their order."""
    return sorted(task.hashes_of(unit).glob("*.npy"))


def _hash_lines(unit: int, task: LineTask, folder: Path) -> HashedLines:
    lines = _lines(unit, task)
    total = 0
    for number in range(2**32):
        found = np.fromiter(islice(lines, _RUN_LINES), LINE_ROW)
        if not len(found):
            break
        np.save(folder / f"{number:06}.npy", found[np.argsort(found["hash"], kind="stable")])
        total += len(found)
    return HashedLines(num_lines=total)


def _lines(unit: int, task: LineTask) -> Iterator[tuple[int, int]]:
    """Hash and row of each line that is long enough, once for each document."""
    dropped = frozenset(dropped_row_numbers(task.documents.dropped, unit).tolist())
    for row, (text, _, _) in enumerate(stored_documents(task.documents.units[unit])):
        if row not in dropped:
            hashes = {part.hash for part in parts(text, task.section)}
            for each in hashes:
                if each is not None:
                    yield each, row
