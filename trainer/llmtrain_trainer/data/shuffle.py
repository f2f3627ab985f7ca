"""Compares documents by their keys, one share of all possible keys at a time.

Each clean unit holds its keys in their order, so that a share of them is one slice of its file. A
partition takes the same slice of every unit: documents with the same key meet in it, and its memory
does not grow with the corpus. It writes which documents are dropped.
"""

from bisect import bisect_left
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from llmtrain_api.base import Record
from llmtrain_trainer.data.documents import KEY_BYTES
from llmtrain_trainer.data.drops import DROP, DropFile, Rule, dropped_row_numbers, load_array
from llmtrain_trainer.data.pipeline import CorpusSteps, Drop
from llmtrain_trainer.data.steps.base import CorpusStep
from llmtrain_trainer.units import committed

_KEYS_FILE = "keys.npy"
_DROPS_FILE = "drops.npy"
_KEY = [("high", ">u8"), ("low", ">u8")]
_KEYED_ROW = np.dtype([*_KEY, ("row", "<u4")])
_PARTITION_DOCUMENTS = 1_000_000
"""Documents that meet in one partition, about; 100 bytes of memory for each."""
_HIGHEST = 2**64


class PartitionDrops(Record):
    """Report on a partition."""

    rules: tuple[Rule, ...]
    """Rules that dropped something, by their numbers in its file."""


@dataclass(frozen=True)
class Partition:
    """A share of all keys."""

    number: int
    count: int
    """Number of partitions."""

    @property
    def name(self) -> str:
        """The name of its folder."""
        return f"{self.number:06}-of-{self.count:06}"

    @property
    def bounds(self) -> tuple[int, int]:
        """The first 8 bytes of its keys are in [low, high)."""
        low, high = (_HIGHEST * n // self.count for n in (self.number, self.number + 1))
        return low, high


def write_keys(folder: Path, keys: bytearray) -> None:
    """Write the keys of a unit's documents.

    Args:
        folder: the unit's.
        keys: one after the other, in the order of the documents.
    """
    parts = np.frombuffer(keys, dtype=_KEY)
    order = np.lexsort((parts["low"], parts["high"]))
    rows = np.empty(len(parts), dtype=_KEYED_ROW)
    rows["high"], rows["low"], rows["row"] = parts["high"][order], parts["low"][order], order
    np.save(folder / _KEYS_FILE, rows)


def read_keys(folder: Path) -> list[bytes]:
    """The keys of a unit's documents, in the documents' order."""
    return _in_order(load_array(folder / _KEYS_FILE))[0]


def num_documents(folder: Path) -> int:
    """The number of a unit's documents."""
    return len(load_array(folder / _KEYS_FILE))


def partitions(size: int, largest: int = _PARTITION_DOCUMENTS) -> list[Partition]:
    """The partitions for a corpus.

    Args:
        size: number of all keys.
        largest: number of keys in one, about.
    """
    count = max(1, -(-size // largest))
    return [Partition(number, count) for number in range(count)]


def compare(
    partition: Partition,
    units: Sequence[Path],
    steps: Mapping[str, CorpusStep[Any]],
    earlier: Sequence[DropFile],
    home: Path,
) -> PartitionDrops:
    """Find the documents of a partition that the steps drop.

    Args:
        partition: says which documents.
        units: folders of all clean units, in order.
        steps: steps by their names in the data report.
        earlier: documents that are dropped already.
        home: folder of all partitions.
    """
    work = partial(_compare, partition, units, steps, earlier)
    return committed(home / partition.name, work, PartitionDrops)


def drop_files(home: Path, reports: Sequence[PartitionDrops]) -> list[DropFile]:
    """What all partitions drop.

    Args:
        home: their folder.
        reports: reports on all of them, in order.
    """
    return [
        DropFile(home / Partition(number, len(reports)).name / _DROPS_FILE, report.rules)
        for number, report in enumerate(reports)
    ]


def _compare(
    partition: Partition,
    units: Sequence[Path],
    steps: Mapping[str, CorpusStep[Any]],
    earlier: Sequence[DropFile],
    folder: Path,
) -> PartitionDrops:
    compared = CorpusSteps(steps)
    rules: dict[Rule, int] = {}
    found: list[NDArray[np.void]] = []
    low, high = partition.bounds
    for number, unit in enumerate(units):
        stored = load_array(unit / _KEYS_FILE)
        start, stop = (bisect_left(stored["high"], bound) for bound in (low, high))
        gone = dropped_row_numbers(earlier, number)
        chosen = stored[start:stop]
        keys, rows = _in_order(chosen[~np.isin(chosen["row"], gone)] if len(gone) else chosen)
        dropped = [
            (number, row, rules.setdefault(_rule(drop), len(rules)))
            for row, drop in zip(rows, compared.apply(keys), strict=True)
            if drop is not None
        ]
        found.append(np.array(dropped, dtype=DROP))
    np.save(folder / _DROPS_FILE, np.concatenate(found))
    return PartitionDrops(rules=tuple(rules))


def _rule(drop: Drop) -> Rule:
    return Rule(step=drop.step, rule=drop.dropped.rule)


def _in_order(stored: NDArray[np.void]) -> tuple[list[bytes], list[int]]:
    """Keys in the order of their rows, and the rows."""
    ordered = stored[np.argsort(stored["row"])]
    packed = np.empty(len(ordered), dtype=_KEY)
    packed["high"], packed["low"] = ordered["high"], ordered["low"]
    data = packed.tobytes()
    keys = [data[start : start + KEY_BYTES] for start in range(0, len(data), KEY_BYTES)]
    return keys, ordered["row"].tolist()
