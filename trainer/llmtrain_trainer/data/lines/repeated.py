"""Lines that several documents have: the second round.

A partition takes its share of the hashes of every unit, so that equal lines meet in it. Its memory
does not grow with the corpus.
"""

from bisect import bisect_left
from collections.abc import Sequence
from functools import partial
from itertools import chain
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from llmtrain_api.base import Record
from llmtrain_api.data_report import RepeatedLine
from llmtrain_trainer.data.cleaning import DOCUMENTS
from llmtrain_trainer.data.documents import documents_at
from llmtrain_trainer.data.drops import load_array
from llmtrain_trainer.data.lines.hashing import runs
from llmtrain_trainer.data.lines.parts import parts
from llmtrain_trainer.data.lines.task import LineTask
from llmtrain_trainer.data.powers import Hashes
from llmtrain_trainer.data.report import excerpt
from llmtrain_trainer.data.shuffle import Partition
from llmtrain_trainer.units import committed

PARTITION_LINES = 4_000_000
"""Lines that meet in one partition, about; 100 bytes of memory for each."""
_REPEATED_FILE = "repeated.npy"
_REPEATED = np.dtype([("unit", "<u4"), ("row", "<u4"), ("hash", "<u8")])
_MOST_FREQUENT = 5


class FrequentLine(Record):
    """A repeated line, by the first document that has it."""

    documents: int
    unit: int
    row: int
    hash: int


class RepeatedHashes(Record):
    """Report on a partition."""

    most_frequent: tuple[FrequentLine, ...]


class FrequentLines(Record):
    """The most frequent lines of all."""

    lines: tuple[RepeatedLine, ...]


def find_repeated(partition: Partition, task: LineTask) -> RepeatedHashes:
    """Write which lines of which documents came before in others.

    Args:
        partition: a share of all hashes.
        task: says which removal.
    """
    work = partial(_find_repeated, partition, task)
    return committed(task.repeated / partition.name, work, RepeatedHashes)


class RepeatedInUnit:
    """The lines that the documents of a unit lose; 16 bytes of memory for each.

    Args:
        unit: its number.
        partitions: all partitions.
        task: says which removal.
    """

    def __init__(self, unit: int, partitions: Sequence[Partition], task: LineTask) -> None:
        found = [np.empty(0, _REPEATED)]
        for each in partitions:
            stored = load_array(task.repeated / each.name / _REPEATED_FILE)
            start, stop = (bisect_left(stored["unit"], bound) for bound in (unit, unit + 1))
            found.append(stored[start:stop])
        lines = np.concatenate(found)
        order = np.argsort(lines["row"], kind="stable")
        self._rows, self._hashes = lines["row"][order], lines["hash"][order]

    def of(self, row: int) -> frozenset[int]:
        """Hashes of the lines that a document loses."""
        start, stop = np.searchsorted(self._rows, (row, row + 1))
        return frozenset(self._hashes[start:stop].tolist())


def show_frequent(reports: Sequence[RepeatedHashes], task: LineTask) -> FrequentLines:
    """The lines that stand in the most documents, with their texts.

    Args:
        reports: reports on all partitions.
        task: says which removal.
    """
    return committed(task.frequent, partial(_show_frequent, reports, task), FrequentLines)


def later_ones(hashes: Hashes, min_documents: int) -> tuple[NDArray[np.bool_], NDArray[np.int64]]:
    """The lines to take out: all of a group of equal ones but the first, if there are many.

    Args:
        hashes: hashes of lines, sorted; equal ones in the order of their documents.
        min_documents: documents from which on a line is repeated.

    Returns:
        Whether each line is taken out, and where groups of repeated lines begin and end, shape
        (groups, 2).
    """
    borders = np.flatnonzero(hashes[1:] != hashes[:-1]) + 1
    starts = np.concatenate([np.zeros(min(len(hashes), 1), np.int64), borders])
    ends = np.concatenate([borders, np.full(min(len(hashes), 1), len(hashes))])
    is_repeated = ends - starts >= min_documents
    taken = np.repeat(is_repeated, ends - starts)
    taken[starts] = False
    return taken, np.stack([starts, ends], axis=1)[is_repeated]


def _find_repeated(partition: Partition, task: LineTask, folder: Path) -> RepeatedHashes:
    found = _slices(partition, task)
    found = found[np.argsort(found["hash"], kind="stable")]
    taken, groups = later_ones(found["hash"], task.section.min_documents)
    later = found[taken]
    np.save(folder / _REPEATED_FILE, later[np.lexsort((later["row"], later["unit"]))])
    starts, sizes = groups[:, 0], groups[:, 1] - groups[:, 0]
    firsts = found[starts]
    # The first of equally frequent ones come first, whatever the partitions.
    order = np.lexsort((firsts["hash"], firsts["row"], firsts["unit"], -sizes))[:_MOST_FREQUENT]
    lines = zip(sizes[order].tolist(), firsts[order].tolist(), strict=True)
    return RepeatedHashes(
        most_frequent=tuple(
            FrequentLine(documents=documents, unit=unit, row=row, hash=line)
            for documents, (unit, row, line) in lines
        )
    )


def _slices(partition: Partition, task: LineTask) -> NDArray[np.void]:
    """A partition's share of all lines, in the order of their documents where they are equal."""
    low, high = partition.bounds
    found = [np.empty(0, _REPEATED)]
    for unit in range(len(task.documents.units)):
        for path in runs(unit, task):
            stored = load_array(path)
            start, stop = (bisect_left(stored["hash"], bound) for bound in (low, high))
            lines = np.empty(stop - start, _REPEATED)
            lines["unit"] = unit
            lines["row"], lines["hash"] = stored["row"][start:stop], stored["hash"][start:stop]
            found.append(lines)
    return np.concatenate(found)


def _show_frequent(
    reports: Sequence[RepeatedHashes], task: LineTask, _folder: Path
) -> FrequentLines:
    lines = sorted(
        chain.from_iterable(report.most_frequent for report in reports),
        key=lambda each: (-each.documents, each.unit, each.row, each.hash),
    )
    shown = []
    for line in lines[:_MOST_FREQUENT]:
        ((text, source),) = documents_at(task.documents.units[line.unit] / DOCUMENTS, [line.row])
        first = next(part.text for part in parts(text, task.section) if part.hash == line.hash)
        shown.append(
            RepeatedLine(documents=line.documents, source=source, excerpt=excerpt(first.strip()))
        )
    return FrequentLines(lines=tuple(shown))
