"""Compares documents by their keys, one share of all possible keys at a time.

Each clean unit holds its keys in their order, so that a share of them is one slice of its file. A
partition takes the same slice of every unit: documents with the same key meet in it, and its memory
does not grow with the corpus. It writes which documents are dropped.
"""

from bisect import bisect_left
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from llmtrain_api.base import Record
from llmtrain_api.spec.steps import Step
from llmtrain_trainer.data.documents import KEY_BYTES
from llmtrain_trainer.data.pipeline import CorpusSteps, Drop
from llmtrain_trainer.data.steps.base import Dropped
from llmtrain_trainer.units import committed

_KEYS_FILE = "keys.npy"
_DROPS_FILE = "drops.npy"
_KEY = [("high", ">u8"), ("low", ">u8")]
_KEYED_ROW = np.dtype([*_KEY, ("row", "<u4")])
_DROP = np.dtype([("unit", "<u4"), ("row", "<u4"), ("rule", "<u2")])
_PARTITION_DOCUMENTS = 1_000_000
"""Documents that meet in one partition, about; 100 bytes of memory for each."""
_HIGHEST = 2**64


class Rule(Record):
    """A rule of a step that compares documents."""

    step: str
    rule: str


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
    return _in_order(_load(folder / _KEYS_FILE))[0]


def partitions(num_documents: int) -> list[Partition]:
    """The partitions for a corpus."""
    count = max(1, -(-num_documents // _PARTITION_DOCUMENTS))
    return [Partition(number, count) for number in range(count)]


def compare(
    partition: Partition, units: Sequence[Path], listed: Sequence[Step], home: Path
) -> PartitionDrops:
    """Find the documents of a partition that the steps drop.

    Args:
        partition: says which documents.
        units: folders of all clean units, in order.
        listed: the manifest's list.
        home: folder of all partitions.
    """
    work = partial(_compare, partition, units, listed)
    return committed(home / partition.name, work, PartitionDrops)


def _compare(
    partition: Partition, units: Sequence[Path], listed: Sequence[Step], folder: Path
) -> PartitionDrops:
    steps = CorpusSteps(listed)
    rules: dict[Rule, int] = {}
    found: list[NDArray[np.void]] = []
    low, high = partition.bounds
    for number, unit in enumerate(units):
        stored = _load(unit / _KEYS_FILE)
        start, stop = (bisect_left(stored["high"], bound) for bound in (low, high))
        keys, rows = _in_order(stored[start:stop])
        dropped = [
            (number, row, rules.setdefault(_rule(drop), len(rules)))
            for row, drop in zip(rows, steps.apply(keys), strict=True)
            if drop is not None
        ]
        found.append(np.array(dropped, dtype=_DROP))
    np.save(folder / _DROPS_FILE, np.concatenate(found))
    return PartitionDrops(rules=tuple(rules))


def drops(home: Path, reports: Sequence[PartitionDrops], unit: int) -> Iterator[tuple[int, Drop]]:
    """Documents of a unit that are dropped: the row of each, in their order.

    Args:
        home: folder of all partitions.
        reports: reports on all of them, in order.
        unit: its number.
    """
    found = []
    for number, report in enumerate(reports):
        stored = _load(home / Partition(number, len(reports)).name / _DROPS_FILE)
        start, stop = (bisect_left(stored["unit"], bound) for bound in (unit, unit + 1))
        found += [(int(each["row"]), report.rules[each["rule"]]) for each in stored[start:stop]]
    for row, rule in sorted(found, key=lambda each: each[0]):
        yield row, Drop(rule.step, Dropped(rule.rule))


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


def _load(path: Path) -> NDArray[np.void]:
    """An array of records, left on the disk."""
    stored: NDArray[np.void] = np.load(path, mmap_mode="r", allow_pickle=False)
    return stored
