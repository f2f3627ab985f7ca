"""Pairs of documents that are alike, among those with a band in common: the second round.

A partition takes its share of the band keys of every unit, so that documents with the same key meet
in it. Its memory does not grow with the corpus.
"""

from bisect import bisect_left
from collections.abc import Callable
from functools import partial
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from llmtrain_api.base import Record
from llmtrain_trainer.data.drops import load_array
from llmtrain_trainer.data.near.signatures import similarity
from llmtrain_trainer.data.near.sketches import BANDS_FILE, SIGNATURES_FILE
from llmtrain_trainer.data.near.task import NearTask
from llmtrain_trainer.data.shuffle import Partition
from llmtrain_trainer.units import committed

Ids = NDArray[np.uint64]
"""Documents by unit (the upper 32 bits) and row there: they sort in the order of the corpus."""
Similarities = Callable[[Ids, Ids], NDArray[np.float64]]
"""The estimated similarities of pairs of documents."""

PAIRS_FILE = "pairs.npy"
"""An array [pairs, 2] of documents, the earlier one first."""
PARTITION_KEYS = 1_000_000
"""Band keys that meet in one partition, about; 100 bytes of memory for each."""
_ROW_BITS = np.uint64(32)
_ROW = np.uint64(2**32 - 1)
_COMPARED_AT_ONCE = 2**16
_MOST_CENTRES = 8
"""Documents with the same key that are compared with all others, so that the work is linear."""


class Pairs(Record):
    """Report on a partition."""

    num_alike: int


class SignatureFiles:
    """The signatures of all documents, left on the disk.

    Args:
        task: says where they are.
    """

    def __init__(self, task: NearTask) -> None:
        self._task = task
        self._slots = task.section.bands * task.section.rows_per_band
        self._files: dict[int, NDArray[np.uint16]] = {}

    def similarities(self, one: Ids, other: Ids) -> NDArray[np.float64]:
        """The estimated similarities of pairs, a few MB of signatures at a time."""
        found = [
            similarity(self._read(one[part]), self._read(other[part]))
            for start in range(0, len(one), _COMPARED_AT_ONCE)
            for part in (slice(start, start + _COMPARED_AT_ONCE),)
        ]
        return np.concatenate([np.empty(0), *found])

    def _read(self, documents: Ids) -> NDArray[np.uint16]:
        found = np.empty((len(documents), self._slots), np.uint16)
        units, rows = places(documents)
        order = np.argsort(units, kind="stable")
        numbers, starts = np.unique(units[order], return_index=True)
        for unit, chosen in zip(numbers, np.split(order, starts[1:]), strict=True):
            found[chosen] = self._file(int(unit))[rows[chosen]]
        return found

    def _file(self, unit: int) -> NDArray[np.uint16]:
        if unit not in self._files:
            path = self._task.sketch(unit) / SIGNATURES_FILE
            self._files[unit] = load_array(path)
        return self._files[unit]


def document_id(unit: int, row: int) -> int:
    """The number of a document."""
    return unit << int(_ROW_BITS) | row


def place(document: int) -> tuple[int, int]:
    """The unit and the row of a document."""
    return document >> int(_ROW_BITS), document & int(_ROW)


def places(documents: Ids) -> tuple[Ids, Ids]:
    """The units and the rows of documents."""
    return documents >> _ROW_BITS, documents & _ROW


def find_pairs(partition: Partition, task: NearTask) -> Pairs:
    """Find documents that are alike, among those with a band key in a partition.

    Args:
        partition: a share of all band keys.
        task: says which deduplication.
    """
    return committed(task.pairs / partition.name, partial(_find_pairs, partition, task), Pairs)


def _find_pairs(partition: Partition, task: NearTask, folder: Path) -> Pairs:
    keys, documents = _slices(partition, task)
    compare = SignatureFiles(task).similarities
    found = alike(keys, documents, compare, task.section.min_similarity)
    np.save(folder / PAIRS_FILE, found)
    return Pairs(num_alike=len(found))


def alike(
    keys: NDArray[np.uint64], documents: Ids, compare: Similarities, least: float
) -> NDArray[np.uint64]:
    """Pairs of documents that are alike, among those with the same key.

    The first document with a key is compared with all others, then the first of those that were
    like none, and so on a few times: the pairs and the work are linear in the documents.

    Args:
        keys: band keys.
        documents: the document of each.
        compare: gives the similarities of pairs.
        least: smallest similarity of two documents that are alike.

    Returns:
        An array [pairs, 2], the earlier document first.
    """
    documents, groups = _groups(keys, documents)
    lonely = np.ones(len(documents), np.bool_)
    was_centre = np.zeros(len(documents), np.bool_)
    found = [np.empty((0, 2), np.uint64)]
    for _ in range(_MOST_CENTRES):
        waiting = np.flatnonzero(lonely & ~was_centre)
        with_centre, first = np.unique(groups[waiting], return_index=True)
        if not len(waiting):
            break
        centre_of = np.full(groups[-1] + 1, -1)
        centre_of[with_centre] = waiting[first]
        was_centre[waiting[first]] = True
        others = np.flatnonzero((centre_of[groups] >= 0) & ~was_centre)
        centres = centre_of[groups[others]]
        is_alike = compare(documents[centres], documents[others]) >= least
        centres, others = centres[is_alike], others[is_alike]
        lonely[centres] = lonely[others] = False
        found.append(np.sort(np.stack([documents[centres], documents[others]], axis=1), axis=1))
    return np.concatenate(found)


def _groups(keys: NDArray[np.uint64], documents: Ids) -> tuple[Ids, NDArray[np.int64]]:
    """The documents that share their keys with others, in order, and a number for each key."""
    order = np.lexsort((documents, keys))
    keys, documents = keys[order], documents[order]
    begins = np.ones(len(keys), np.bool_)
    begins[1:] = keys[1:] != keys[:-1]
    groups = np.cumsum(begins) - 1
    shared = np.bincount(groups, minlength=1)[groups] > 1
    return documents[shared], groups[shared]


def _slices(partition: Partition, task: NearTask) -> tuple[NDArray[np.uint64], Ids]:
    """A partition's share of the band keys, and their documents."""
    low, high = partition.bounds
    keys, documents = [np.empty(0, np.uint64)], [np.empty(0, np.uint64)]
    for unit in range(len(task.units)):
        for band in load_array(task.sketch(unit) / BANDS_FILE):
            start, stop = (bisect_left(band["key"], bound) for bound in (low, high))
            keys.append(band["key"][start:stop])
            documents.append(band["row"][start:stop] + np.uint64(document_id(unit, 0)))
    return np.concatenate(keys), np.concatenate(documents)
